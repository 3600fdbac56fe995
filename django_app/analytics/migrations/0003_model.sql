-- The model of the batch side: type-2 products, customers, carts, visitors, linked refunds, and the marts beside daily sales.
-- Keeps the data of a warehouse made by 0001; a column that old days cannot fill is NULL there until the day runs again.

ALTER TABLE warehouse.dim_date
    ADD week_start date GENERATED ALWAYS AS (date - (iso_weekday - 1)) STORED,
    ADD month_start date GENERATED ALWAYS AS (date - (day - 1)) STORED,
    ADD is_weekend boolean GENERATED ALWAYS AS (iso_weekday >= 6) STORED;

-- Facts ---------------------------------------------------------------------------------------------------------------
CREATE INDEX fct_order_line_product ON warehouse.fct_order_line (shop_id, product_id, date);
CREATE INDEX fct_order_line_refunds ON warehouse.fct_order_line (shop_id, transaction_id) WHERE line_type = 'refund';

ALTER TABLE warehouse.fct_order ADD client_id text;
CREATE INDEX fct_order_client ON warehouse.fct_order (shop_id, client_id, ordered_at) WHERE client_id IS NOT NULL;
CREATE INDEX fct_order_customer ON warehouse.fct_order (shop_id, customer_id, date) WHERE customer_id IS NOT NULL;

ALTER TABLE warehouse.fct_session
    ADD step integer CHECK (step BETWEEN 0 AND 4),
    ADD exit_page text;

CREATE TABLE warehouse.fct_cart_line (
    shop_id          text NOT NULL,
    date             date NOT NULL,
    session_id       text NOT NULL,
    product_id       text NOT NULL,
    client_id        text,
    customer_id      text,
    country          text,
    channel          text,
    device           text,
    first_added_at   timestamptz NOT NULL,
    last_added_at    timestamptz NOT NULL,
    quantity_added   bigint NOT NULL CHECK (quantity_added > 0),
    quantity_removed bigint NOT NULL CHECK (quantity_removed >= 0),
    price            numeric(18,4) NOT NULL,
    amount           numeric(18,4) NOT NULL,
    run_id           text NOT NULL,
    PRIMARY KEY (shop_id, date, session_id, product_id)
);
CREATE INDEX fct_cart_line_product ON warehouse.fct_cart_line (shop_id, product_id, date);

CREATE TABLE warehouse.fct_visitor (
    shop_id       text NOT NULL,
    date          date NOT NULL,
    client_id     text NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    events        bigint NOT NULL,
    run_id        text NOT NULL,
    PRIMARY KEY (shop_id, date, client_id)
);

CREATE VIEW warehouse.fct_refund AS
SELECT r.shop_id, r.date, r.event_id, r.item_index, r.transaction_id, r.event_at AS refunded_at, r.customer_id, r.product_id, r.quantity,
       r.amount - r.discount AS amount, o.date AS order_date, o.ordered_at, r.date - o.date AS days_after_order,
       o.country, o.channel, o.device, r.run_id
FROM warehouse.fct_order_line r
LEFT JOIN LATERAL (
    SELECT * FROM warehouse.fct_order
    WHERE shop_id = r.shop_id AND transaction_id = r.transaction_id ORDER BY ordered_at, date LIMIT 1
) o ON true
WHERE r.line_type = 'refund';

-- Dimensions ----------------------------------------------------------------------------------------------------------
ALTER TABLE warehouse.mart_daily_product ADD price numeric(18,4);
UPDATE warehouse.mart_daily_product m SET price = l.price
FROM (
    SELECT DISTINCT ON (shop_id, date, product_id) shop_id, date, product_id, price
    FROM warehouse.fct_order_line WHERE line_type = 'purchase'
    ORDER BY shop_id, date, product_id, event_at DESC, event_id DESC, item_index DESC
) l
WHERE (m.shop_id, m.date, m.product_id) = (l.shop_id, l.date, l.product_id);

DROP TABLE warehouse.dim_product;
CREATE TABLE warehouse.dim_product (
    shop_id      text NOT NULL,
    product_id   text NOT NULL,
    valid_from   date NOT NULL,
    valid_to     date,
    is_current   boolean NOT NULL,
    product_name text,
    category     text,
    brand        text,
    price        numeric(18,4),
    PRIMARY KEY (shop_id, product_id, valid_from),
    CHECK (valid_from < valid_to),
    CHECK (is_current = (valid_to IS NULL))
);
CREATE UNIQUE INDEX dim_product_current ON warehouse.dim_product (shop_id, product_id) WHERE is_current;

ALTER TABLE warehouse.dim_customer RENAME net_revenue TO lifetime_revenue;
ALTER TABLE warehouse.dim_customer
    ADD customer_key text,
    ADD second_order_date date,
    ADD gross_revenue numeric(18,4) NOT NULL DEFAULT 0,
    ADD UNIQUE (shop_id, customer_key),
    ADD CHECK (first_order_date <= last_order_date),
    ADD CHECK (orders > 0);
UPDATE warehouse.dim_customer c SET gross_revenue = o.gross_revenue, second_order_date = o.dates[2]
FROM (
    SELECT shop_id, customer_id, sum(gross_revenue) AS gross_revenue, array_agg(date ORDER BY ordered_at, transaction_id) AS dates
    FROM warehouse.fct_order WHERE customer_id IS NOT NULL GROUP BY shop_id, customer_id
) o
WHERE (c.shop_id, c.customer_id) = (o.shop_id, o.customer_id);
ALTER TABLE warehouse.dim_customer ALTER gross_revenue DROP DEFAULT;
CREATE INDEX dim_customer_first_order ON warehouse.dim_customer (shop_id, first_order_date);

-- Marts of a shop-day -------------------------------------------------------------------------------------------------
ALTER TABLE warehouse.mart_daily_funnel
    ADD reached_view bigint,
    ADD reached_cart bigint,
    ADD reached_checkout bigint,
    ADD reached_order bigint,
    ADD CHECK (reached_view <= sessions AND reached_cart <= reached_view),
    ADD CHECK (reached_checkout <= reached_cart AND reached_order <= reached_cart);

CREATE TABLE warehouse.mart_daily_breakdown (
    shop_id             text NOT NULL,
    date                date NOT NULL,
    dimension           text NOT NULL CHECK (dimension IN ('country', 'channel', 'device', 'category')),
    value               text NOT NULL,
    page_views          bigint,
    item_views          bigint NOT NULL,
    add_to_carts        bigint NOT NULL,
    checkouts           bigint,
    orders              bigint NOT NULL,
    units               bigint NOT NULL,
    gross_revenue       numeric(18,4) NOT NULL,
    discounts           numeric(18,4) NOT NULL,
    refunds             numeric(18,4) NOT NULL,
    adjustments         numeric(18,4) NOT NULL,
    net_revenue         numeric(18,4) NOT NULL,
    sessions            bigint,
    sessions_with_cart  bigint,
    sessions_with_order bigint,
    reached_view        bigint,
    reached_cart        bigint,
    reached_checkout    bigint,
    reached_order       bigint,
    run_id              text NOT NULL,
    PRIMARY KEY (shop_id, dimension, date, value),
    CHECK (net_revenue = gross_revenue - discounts - refunds + adjustments)
);

CREATE TABLE warehouse.mart_hourly_sales (
    shop_id       text NOT NULL,
    date          date NOT NULL,
    hour          integer NOT NULL CHECK (hour BETWEEN 0 AND 23),
    events        bigint NOT NULL,
    page_views    bigint NOT NULL,
    item_views    bigint NOT NULL,
    add_to_carts  bigint NOT NULL,
    checkouts     bigint NOT NULL,
    orders        bigint NOT NULL,
    units         bigint NOT NULL,
    gross_revenue numeric(18,4) NOT NULL,
    discounts     numeric(18,4) NOT NULL,
    refunds       numeric(18,4) NOT NULL,
    adjustments   numeric(18,4) NOT NULL,
    net_revenue   numeric(18,4) NOT NULL,
    tax           numeric(18,4),
    shipping      numeric(18,4),
    run_id        text NOT NULL,
    PRIMARY KEY (shop_id, date, hour),
    CHECK (net_revenue = gross_revenue - discounts - refunds + adjustments)
);

CREATE TABLE warehouse.mart_daily_distinct (
    shop_id       text NOT NULL,
    date          date NOT NULL,
    measure       text NOT NULL CHECK (measure IN ('visitors', 'sessions', 'sessions_with_cart', 'sessions_with_order', 'customers')),
    previous_date date CHECK (previous_date < date),
    number        bigint NOT NULL CHECK (number > 0),
    UNIQUE NULLS NOT DISTINCT (shop_id, measure, date, previous_date)
);
CREATE FUNCTION warehouse.distinct_between(shop text, what text, first_date date, last_date date) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(sum(number), 0)::bigint FROM warehouse.mart_daily_distinct
    WHERE shop_id = shop AND measure = what AND date BETWEEN first_date AND last_date
      AND (previous_date IS NULL OR previous_date < first_date)
$$;

-- Marts of a shop's whole history -------------------------------------------------------------------------------------
CREATE TABLE warehouse.mart_customer_rfm (
    shop_id        text NOT NULL,
    customer_id    text NOT NULL,
    as_of_date     date NOT NULL,
    recency_days   integer NOT NULL CHECK (recency_days >= 0),
    frequency      bigint NOT NULL CHECK (frequency > 0),
    monetary       numeric(18,4) NOT NULL,
    recency_band   integer NOT NULL CHECK (recency_band BETWEEN 1 AND 5),
    frequency_band integer NOT NULL CHECK (frequency_band BETWEEN 1 AND 5),
    monetary_band  integer NOT NULL CHECK (monetary_band BETWEEN 1 AND 5),
    segment        text NOT NULL,
    run_id         text NOT NULL,
    PRIMARY KEY (shop_id, customer_id)
);
CREATE INDEX mart_customer_rfm_segment ON warehouse.mart_customer_rfm (shop_id, segment, monetary DESC);

CREATE TABLE warehouse.mart_cohort_retention (
    shop_id          text NOT NULL,
    cohort_month     date NOT NULL CHECK (extract(day FROM cohort_month) = 1),
    age_months       integer NOT NULL CHECK (age_months >= 0),
    cohort_customers bigint NOT NULL,
    customers        bigint NOT NULL,
    orders           bigint NOT NULL,
    revenue          numeric(18,4) NOT NULL,
    run_id           text NOT NULL,
    PRIMARY KEY (shop_id, cohort_month, age_months),
    CHECK (customers <= cohort_customers)
);

CREATE TABLE warehouse.mart_product_pair (
    shop_id      text NOT NULL,
    product_a    text NOT NULL,
    product_b    text NOT NULL,
    from_date    date NOT NULL,
    as_of_date   date NOT NULL,
    baskets      bigint NOT NULL,
    baskets_a    bigint NOT NULL,
    baskets_b    bigint NOT NULL,
    baskets_all  bigint NOT NULL,
    support      double precision NOT NULL,
    confidence_a double precision NOT NULL,
    confidence_b double precision NOT NULL,
    lift         double precision NOT NULL,
    run_id       text NOT NULL,
    PRIMARY KEY (shop_id, product_a, product_b),
    CHECK (product_a COLLATE "C" < product_b COLLATE "C"),
    CHECK (baskets <= least(baskets_a, baskets_b) AND greatest(baskets_a, baskets_b) <= baskets_all)
);
CREATE INDEX mart_product_pair_b ON warehouse.mart_product_pair (shop_id, product_b);
CREATE INDEX mart_product_pair_baskets ON warehouse.mart_product_pair (shop_id, baskets DESC);

CREATE TABLE warehouse.mart_product_abc (
    shop_id          text NOT NULL,
    product_id       text NOT NULL,
    from_date        date NOT NULL,
    as_of_date       date NOT NULL,
    orders           bigint NOT NULL,
    units            bigint NOT NULL,
    revenue          numeric(18,4) NOT NULL,
    rank             integer NOT NULL CHECK (rank > 0),
    share            double precision NOT NULL,
    cumulative_share double precision NOT NULL,
    abc_class        text NOT NULL CHECK (abc_class IN ('A', 'B', 'C')),
    run_id           text NOT NULL,
    PRIMARY KEY (shop_id, product_id)
);
CREATE INDEX mart_product_abc_rank ON warehouse.mart_product_abc (shop_id, rank);

CREATE TABLE warehouse.mart_refund_rate (
    shop_id         text NOT NULL,
    date            date NOT NULL,
    orders          bigint NOT NULL,
    refunded_orders bigint NOT NULL,
    revenue         numeric(18,4) NOT NULL,
    refunds         numeric(18,4) NOT NULL,
    refunds_of_day  numeric(18,4) NOT NULL,
    unlinked        numeric(18,4) NOT NULL,
    run_id          text NOT NULL,
    PRIMARY KEY (shop_id, date),
    CHECK (refunded_orders <= orders)
);

CREATE TABLE warehouse.mart_cart_abandonment (
    shop_id          text NOT NULL,
    date             date NOT NULL,
    dimension        text NOT NULL CHECK (dimension IN ('all', 'country', 'channel', 'device')),
    value            text NOT NULL,
    carts            bigint NOT NULL,
    ordered_in_visit bigint NOT NULL,
    ordered_later    bigint NOT NULL,
    abandoned        bigint NOT NULL,
    cart_value       numeric(18,4) NOT NULL,
    abandoned_value  numeric(18,4) NOT NULL,
    run_id           text NOT NULL,
    PRIMARY KEY (shop_id, dimension, date, value),
    CHECK (carts = ordered_in_visit + ordered_later + abandoned)
);
