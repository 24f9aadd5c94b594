-- pass@k of one problem: 1 - C(n-c, k) / C(n, k) (Chen et al. 2021; Large Language Monkeys, equation 1).
-- C(n-c, k) / C(n, k) is symmetric in c and k, so min(c, k) factors do; the recurrence adds up the chance of a first
-- right sample and never subtracts from 1, so tiny rates keep their digits. Missing above n, never 1.
create or replace function pass_at_k(n bigint, c bigint, k bigint) returns double precision
language plpgsql immutable parallel safe strict as $$
declare
    few bigint := least(c, k);
    many bigint := greatest(c, k);
    miss double precision := 1;
    hit double precision := 0;
begin
    if c < 0 or k < 1 or c > n then
        raise exception 'pass_at_k needs 0 <= c <= n and k >= 1, not n=%, c=%, k=%', n, c, k;
    end if;
    if k > n then return null; end if;
    if c + k > n then return 1; end if;
    for i in 0 .. few - 1 loop
        hit := hit + miss * many / (n - i);
        miss := miss * (n - i - many) / (n - i);
        exit when miss < 1e-18;
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

-- A floating-point sum of equal parts may differ from itself by a last digit: that is no gap.
create or replace function gap_of(coverage double precision, success_rate double precision) returns double precision
language sql immutable parallel safe as $$
    select case when abs(coverage - success_rate) < 1e-12 then 0 else coverage - success_rate end
$$;
comment on function gap_of is 'Coverage less success rate; exactly 0 where they differ by less than 1e-12';
