-- Schema warehouse: the star schema and marts that Spark publishes. PostgreSQL 17 or newer.
CREATE SCHEMA IF NOT EXISTS warehouse;
-- Schema staging: one set of unlogged tables a run, filled by executors, emptied after publication.
CREATE SCHEMA IF NOT EXISTS staging;

CREATE TABLE warehouse.etl_run (
    run_id          text PRIMARY KEY,
    shop_id         text NOT NULL,
    source          text NOT NULL,
    from_date       date NOT NULL,
    to_date         date NOT NULL,
    status          text NOT NULL CHECK (status IN ('running', 'published', 'blocked', 'failed')),
    started_at      timestamptz NOT NULL DEFAULT now(),
    finished_at     timestamptz,
    rows_in         bigint,
    rows_good       bigint,
    rows_quarantined bigint,
    rows_excluded   bigint,
    inputs          jsonb NOT NULL DEFAULT '[]',
    code_version    text NOT NULL DEFAULT '',
    message         text NOT NULL DEFAULT '',
    CHECK (from_date <= to_date),
    CHECK (status <> 'published' OR rows_in = rows_good + rows_quarantined + rows_excluded)
);
COMMENT ON TABLE warehouse.etl_run IS 'One row per batch run of one shop and one range of days.';

CREATE TABLE warehouse.etl_run_day (
    run_id          text NOT NULL REFERENCES warehouse.etl_run,
    shop_id         text NOT NULL,
    date            date NOT NULL,
    source          text NOT NULL,
    published_at    timestamptz NOT NULL DEFAULT now(),
    checksum        text NOT NULL,
    measures        jsonb NOT NULL,
    previous_run_id text,
    changed         jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (run_id, shop_id, date)
);
CREATE INDEX etl_run_day_shop_date ON warehouse.etl_run_day (shop_id, date, published_at DESC);
COMMENT ON TABLE warehouse.etl_run_day IS 'One row per run and shop-day that it published; the newest row of a shop-day names its authoritative source.';
COMMENT ON COLUMN warehouse.etl_run_day.changed IS 'Measures that differ from the shop-day''s previous run, measure to [before, after]; {} at first publication and after an identical re-run.';

CREATE TABLE warehouse.dim_shop (
    shop_id   text PRIMARY KEY,
    name      text NOT NULL,
    time_zone text NOT NULL,
    currency  text NOT NULL
);
COMMENT ON TABLE warehouse.dim_shop IS 'One row per shop.';

CREATE TABLE warehouse.dim_date (
    date        date PRIMARY KEY,
    year        smallint NOT NULL,
    quarter     smallint NOT NULL,
    month       smallint NOT NULL,
    day         smallint NOT NULL,
    iso_week    smallint NOT NULL,
    iso_weekday smallint NOT NULL
);
COMMENT ON TABLE warehouse.dim_date IS 'One row per calendar day.';
INSERT INTO warehouse.dim_date
SELECT d::date, extract(year FROM d), extract(quarter FROM d), extract(month FROM d), extract(day FROM d),
       extract(week FROM d), extract(isodow FROM d)
FROM generate_series('2005-01-01'::timestamp, '2039-12-31'::timestamp, '1 day') AS d;

CREATE TABLE warehouse.dim_product (
    shop_id       text NOT NULL,
    product_id    text NOT NULL,
    product_name  text,
    category      text,
    brand         text,
    first_date    date NOT NULL,
    last_date     date NOT NULL,
    PRIMARY KEY (shop_id, product_id)
);
COMMENT ON TABLE warehouse.dim_product IS 'One row per shop and product, with the attributes of the latest day seen.';

CREATE TABLE warehouse.dim_customer (
    shop_id          text NOT NULL,
    customer_id      text NOT NULL,
    first_order_date date NOT NULL,
    last_order_date  date NOT NULL,
    orders           bigint NOT NULL,
    net_revenue      numeric(18,4) NOT NULL,
    PRIMARY KEY (shop_id, customer_id)
);
COMMENT ON TABLE warehouse.dim_customer IS 'One row per shop and known customer with an order.';

CREATE TABLE warehouse.fct_order_line (
    shop_id        text NOT NULL,
    date           date NOT NULL,
    event_id       text NOT NULL,
    item_index     integer NOT NULL,
    line_type      text NOT NULL CHECK (line_type IN ('purchase', 'refund', 'adjustment')),
    transaction_id text,
    event_at       timestamptz NOT NULL,
    customer_id    text,
    session_id     text,
    product_id     text,
    quantity       bigint NOT NULL,
    price          numeric(18,4) NOT NULL,
    discount       numeric(18,4) NOT NULL,
    amount         numeric(18,4) NOT NULL,
    run_id         text NOT NULL,
    PRIMARY KEY (shop_id, date, event_id, item_index)
);
CREATE INDEX fct_order_line_customer ON warehouse.fct_order_line (shop_id, customer_id) WHERE customer_id IS NOT NULL;
COMMENT ON TABLE warehouse.fct_order_line IS 'One row per line of a purchase, refund or adjustment.';
COMMENT ON COLUMN warehouse.fct_order_line.amount IS 'price x quantity before discount: positive for purchases and refunds, signed for adjustments; shop currency. A refund is worth amount - discount.';

CREATE TABLE warehouse.fct_order (
    shop_id        text NOT NULL,
    date           date NOT NULL,
    transaction_id text NOT NULL,
    event_id       text NOT NULL,
    ordered_at     timestamptz NOT NULL,
    customer_id    text,
    session_id     text,
    country        text,
    channel        text,
    device         text,
    coupon         text,
    lines          integer NOT NULL,
    units          bigint NOT NULL,
    gross_revenue  numeric(18,4) NOT NULL,
    discounts      numeric(18,4) NOT NULL,
    tax            numeric(18,4),
    shipping       numeric(18,4),
    run_id         text NOT NULL,
    PRIMARY KEY (shop_id, date, transaction_id)
);
CREATE INDEX fct_order_transaction ON warehouse.fct_order (shop_id, transaction_id);
COMMENT ON TABLE warehouse.fct_order IS 'One row per order: a distinct (shop, transaction_id), the first accepted purchase.';

CREATE TABLE warehouse.fct_session (
    shop_id      text NOT NULL,
    date         date NOT NULL,
    session_id   text NOT NULL,
    client_id    text,
    customer_id  text,
    started_at   timestamptz NOT NULL,
    ended_at     timestamptz NOT NULL,
    country      text,
    channel      text,
    device       text,
    page_views   bigint NOT NULL,
    item_views   bigint NOT NULL,
    add_to_carts bigint NOT NULL,
    checkouts    bigint NOT NULL,
    orders       bigint NOT NULL,
    run_id       text NOT NULL,
    PRIMARY KEY (shop_id, date, session_id)
);
COMMENT ON TABLE warehouse.fct_session IS 'One row per session and shop-day in which it has an accepted event.';

CREATE TABLE warehouse.mart_daily_sales (
    shop_id             text NOT NULL,
    date                date NOT NULL,
    orders              bigint NOT NULL,
    units               bigint NOT NULL,
    customers           bigint,
    visitors            bigint,
    sessions            bigint,
    gross_revenue       numeric(18,4) NOT NULL,
    discounts           numeric(18,4) NOT NULL,
    refunds             numeric(18,4) NOT NULL,
    adjustments         numeric(18,4) NOT NULL,
    net_revenue         numeric(18,4) NOT NULL,
    tax                 numeric(18,4),
    shipping            numeric(18,4),
    average_order_value numeric(18,4),
    run_id              text NOT NULL,
    PRIMARY KEY (shop_id, date),
    CHECK (net_revenue = gross_revenue - discounts - refunds + adjustments)
);
COMMENT ON TABLE warehouse.mart_daily_sales IS 'One row per shop-day. A measure that the source cannot give is NULL.';

CREATE TABLE warehouse.mart_daily_product (
    shop_id       text NOT NULL,
    date          date NOT NULL,
    product_id    text NOT NULL,
    product_name  text,
    category      text,
    brand         text,
    item_views    bigint NOT NULL,
    add_to_carts  bigint NOT NULL,
    orders        bigint NOT NULL,
    units         bigint NOT NULL,
    gross_revenue numeric(18,4) NOT NULL,
    discounts     numeric(18,4) NOT NULL,
    refunds       numeric(18,4) NOT NULL,
    net_revenue   numeric(18,4) NOT NULL,
    run_id        text NOT NULL,
    PRIMARY KEY (shop_id, date, product_id)
);
CREATE INDEX mart_daily_product_product ON warehouse.mart_daily_product (shop_id, product_id);
COMMENT ON TABLE warehouse.mart_daily_product IS 'One row per shop-day and product that was viewed, put in a cart, sold or refunded. Net revenue has no adjustments: they belong to no product.';

CREATE TABLE warehouse.mart_daily_funnel (
    shop_id                text NOT NULL,
    date                   date NOT NULL,
    sessions               bigint,
    sessions_with_view     bigint,
    sessions_with_cart     bigint,
    sessions_with_checkout bigint,
    sessions_with_order    bigint,
    page_views             bigint NOT NULL,
    item_views             bigint NOT NULL,
    add_to_carts           bigint NOT NULL,
    checkouts              bigint NOT NULL,
    run_id                 text NOT NULL,
    PRIMARY KEY (shop_id, date)
);
COMMENT ON TABLE warehouse.mart_daily_funnel IS 'One row per shop-day: sessions with at least one event of each step, and the events themselves.';

CREATE TABLE warehouse.quality_result (
    run_id     text NOT NULL,
    shop_id    text NOT NULL,
    date       date,
    check_name text NOT NULL,
    severity   text NOT NULL CHECK (severity IN ('blocking', 'warning', 'info')),
    passed     boolean NOT NULL,
    value      numeric,
    detail     text NOT NULL DEFAULT '',
    checked_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX quality_result_run ON warehouse.quality_result (run_id);
CREATE INDEX quality_result_shop_date ON warehouse.quality_result (shop_id, date);
COMMENT ON TABLE warehouse.quality_result IS 'One row per check of a run (per shop-day where the check is one of a day); info rows carry counts such as excluded:<name>.';

CREATE TABLE warehouse.quarantine (
    run_id  text NOT NULL,
    shop_id text NOT NULL,
    source  text NOT NULL,
    date    date,
    file    text NOT NULL,
    line    bigint NOT NULL,
    reason  text NOT NULL,
    raw     text NOT NULL,
    quarantined_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX quarantine_shop_date ON warehouse.quarantine (shop_id, date);
COMMENT ON TABLE warehouse.quarantine IS 'One row per input row that was held back, with its file, line, reason and text.';

CREATE TABLE warehouse.reconciliation (
    shop_id     text NOT NULL,
    date        date NOT NULL,
    measure     text NOT NULL,
    live        numeric(28,4),
    batch       numeric(28,4),
    agrees      boolean NOT NULL,
    explanation text NOT NULL DEFAULT '',
    run_id      text NOT NULL,
    reconciled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (shop_id, date, measure)
);
COMMENT ON TABLE warehouse.reconciliation IS 'One row per shop-day and measure: the live figure beside the batch figure.';
