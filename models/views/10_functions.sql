-- pass@k of one problem: 1 - C(n-c, k) / C(n, k) (Chen et al. 2021; Large Language Monkeys, equation 1).
-- C(n-c, k) / C(n, k) is symmetric in c and k, so min(c, k) factors do. Where the chance is below 1/2 it is added up
-- anew, by the place of the first right sample, and nothing is subtracted from 1: tiny rates keep their digits. Missing
-- above n, never 1.
create or replace function pass_at_k(n bigint, c bigint, k bigint) returns double precision
language plpgsql immutable parallel safe strict as $$
declare
    few bigint := least(c, k);
    many bigint := greatest(c, k);
    less double precision := n - many;
    miss double precision := 1;
    hit double precision := 0;
begin
    if c < 0 or k < 1 or c > n then
        raise exception 'pass_at_k needs 0 <= c <= n and k >= 1, not n=%, c=%, k=%', n, c, k;
    end if;
    if k > n then return null; end if;
    if c + k > n then return 1; end if;
    for i in 0 .. few - 1 loop
        miss := miss * (less - i) / (n - i);
        exit when miss < 1e-18;
    end loop;
    if miss < 0.5 then return 1 - miss; end if;
    miss := 1;
    for i in 0 .. few - 1 loop
        hit := hit + miss * many / (n - i);
        miss := miss * (less - i) / (n - i);
    end loop;
    return hit;
end $$;
comment on function pass_at_k(bigint, bigint, bigint) is
    'Unbiased pass@k from n samples of which c are correct; null where k > n';

create or replace function pass_all_k(n bigint, c bigint, k bigint) returns double precision
language plpgsql immutable parallel safe strict as $$
declare
    all_right double precision := 1;
begin
    if c < 0 or k < 1 or c > n then
        raise exception 'pass_all_k needs 0 <= c <= n and k >= 1, not n=%, c=%, k=%', n, c, k;
    end if;
    if k > n then return null; end if;
    if k > c then return 0; end if;
    -- C(c, k) / C(n, k) = C(n-k, n-c) / C(n, n-c): the fewer factors of the two
    for i in 0 .. least(k, n - c) - 1 loop
        all_right := all_right * (case when k <= n - c then c - i else n - k - i end) / (n - i);
        exit when all_right < 1e-300;
    end loop;
    return all_right;
end $$;
comment on function pass_all_k(bigint, bigint, bigint) is
    'pass^k: the chance that k of n samples, of which c are correct, are all correct; null where k > n';

create or replace function biased_by(stop_rule jsonb) returns text language sql immutable parallel safe as $$
    select case when stop_rule ? 'when_solved' then 'when_solved' end
$$;
comment on function biased_by is 'The stopping rule among those of run.stop_rule that looks at outcomes; null where none does';

-- A plan chooses by outcomes which problems get more samples than run.n. The first run.n of each are those that would
-- have been drawn anyway, so whatever estimates goes by these alone.
create or replace function all_biased_by(stop_rule jsonb) returns text language sql immutable parallel safe as $$
    select coalesce(biased_by(stop_rule), case when stop_rule ? 'planned' then 'planned' end)
$$;
comment on function all_biased_by is
    'Why the number of all samples of a problem hangs on what they were: when_solved, or planned; null where it does not';

-- The 2.5 % quantile of the mean under weights of Dirichlet(1, ..., 1) with a share of 0 among them (Gaffke 2005), by
-- the saddlepoint and Newton's steps of models/statistics/intervals.py, which says what the letters are.
create or replace function gaffke_low(shares double precision[]) returns double precision
language plpgsql immutable parallel safe strict as $$
declare
    count constant double precision := cardinality(shares) + 1;
    z constant double precision := 1.959963984540054;
    most double precision;
    share double precision[];
    times double precision[];
    tilt double precision;
    step double precision;
    c double precision;
    squares double precision;
    cubes double precision;
    logs double precision;
    w double precision;
    uu double precision;
    ratio double precision;
begin
    if cardinality(shares) = 0 or array_position(shares, null) is not null then return null; end if;
    select greatest(max(each), 0) into most from unnest(shares) as each;
    if most = 0 then return 0; end if;
    select z / sqrt(count * var_pop(each)) into tilt
    from (select greatest(unnest(shares), 0) / most union all select 0) as seen (each);
    select array_agg(seen.each / most), array_agg(seen.times) into share, times
    from (select greatest(each, 0) as each, count(*)::double precision as times from unnest(shares) as each group by 1) as seen;
    for i in 1 .. 50 loop
        select 1 + sum(n * q), 1 + sum(n * q * q), 1 + sum(n * q * q * q), sum(n * ln(q)) into c, squares, cubes, logs
        from (select n, 1 / (1 + tilt * each) as q from unnest(share, times) as seen (each, n) offset 0) as tilted;
        c := c / count;
        exit when abs(step) <= 1e-6;
        squares := squares / (c * c);
        w := sqrt(2 * (count * ln(c) - logs));
        uu := squares - count;
        ratio := ln(uu / (w * w)) / 2;
        step := (w + ratio / w - z)
            / (c * (uu / w + (cubes / c ^ 3 - squares * squares / count) / (uu * w) - uu / w ^ 3 * (ratio + 1)));
        step := greatest(-1, least(1, step));
        tilt := tilt * exp(-step);
    end loop;
    return most * (1 - c) / (c * tilt);
end $$;
comment on function gaffke_low(double precision[]) is
    '97.5 % lower bound of the mean of shares in 0..1 over problems, for new problems of the same kind (Gaffke); 1 - gaffke_low of 1 - share is the upper one';
-- A floating-point sum of equal parts may differ from itself by a last digit: that is no gap.
create or replace function gap_of(coverage double precision, success_rate double precision) returns double precision
language sql immutable parallel safe as $$
    select case when abs(coverage - success_rate) < 1e-12 then 0 else coverage - success_rate end
$$;
comment on function gap_of is 'Coverage less success rate; exactly 0 where they differ by less than 1e-12';
