-- One row per month of first order and age in months at which someone of the cohort ordered.
WITH placed AS (
    SELECT
        shop_id,
        customer_id,
        trunc(date, 'MM') AS month,
        trunc(min(date) OVER (PARTITION BY shop_id, customer_id), 'MM') AS cohort_month,
        gross_revenue - discounts AS revenue
    FROM {fct_order}
    WHERE customer_id IS NOT NULL
),
ages AS (
    SELECT
        shop_id,
        cohort_month,
        CAST(months_between(month, cohort_month) AS INT) AS age_months,
        count(DISTINCT customer_id) AS customers,
        count(*) AS orders,
        CAST(sum(revenue) AS DECIMAL(18, 4)) AS revenue
    FROM placed
    GROUP BY shop_id, cohort_month, months_between(month, cohort_month)
)
SELECT *, max(CASE WHEN age_months = 0 THEN customers END) OVER (PARTITION BY shop_id, cohort_month) AS cohort_customers
FROM ages
