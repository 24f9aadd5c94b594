create or replace function price_tier(engine_args jsonb) returns text language sql immutable parallel safe as $$
    select case when engine_args -> 'batch' = 'true' then 'batch' else 'standard' end
$$;
comment on function price_tier is 'The tier of prices that an llm is billed by: batch where it is asked through a batch API';

-- Days x hours between which no price of an llm changes, each with the one that holds: few rows, to be joined by
-- range, since looking a price up for each attempt takes longer than all the rest.
create or replace function price_spans(llm text, tier text)
returns table (since timestamptz, until timestamptz, from_hour time, to_hour time, price_id bigint)
language sql stable rows 4 as $$
    with own as (
        select * from price where price.llm = price_spans.llm and price.tier = price_spans.tier
    ), day as (
        select own.since, lead(own.since, 1, 'infinity') over (order by own.since) as until from own group by own.since
    ), hour as (
        select begins, lead(begins, 1, '24:00') over (order by begins) as ends from (
            select time '00:00' as begins from own
            union select from_time from own where from_time is not null
            union select to_time from own where to_time is not null
        ) as each
    )
    select day.since, day.until, hour.begins, hour.ends, best.id
    from day cross join hour cross join lateral (
        select id from own where own.since <= day.since and case
            when from_time is null then true
            when from_time < to_time then from_time <= hour.begins and hour.begins < to_time
            else from_time <= hour.begins or hour.begins < to_time end
        order by own.since desc, from_time is not null desc, id desc limit 1
    ) as best
$$;
comment on function price_spans is
    'Which price of an llm holds when (hours are UTC): the newest; of one day, one that holds at certain hours goes first';

create or replace function price_at(llm text, tier text, at timestamptz) returns setof price
language sql stable rows 1 as $$
    select price.* from price_spans(llm, tier) as span join price on price.id = span.price_id
    where at >= span.since and at < span.until
        and (at at time zone 'UTC')::time >= from_hour and (at at time zone 'UTC')::time < to_hour
$$;
comment on function price_at is 'The price of an llm that holds at a moment';

create view current_price as
select run.id as run_id, price.*
from run join llm on llm.id = run.llm_id
cross join lateral price_at(llm.name, price_tier(llm.engine_args), now()) as price;
comment on view current_price is 'The price of each run''s llm that holds now; what its samples cost when drawn is in cost';
