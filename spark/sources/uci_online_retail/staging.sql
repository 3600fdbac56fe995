-- One row per invoice line. Invoices C… are cancellations: refunds, stored positive. Invoices A… with a negative
-- price are adjustments. The original order of a cancellation is not known, so its transaction_id is NULL.
-- Codes that do not start with five digits are postage, charges and vouchers: fees, no goods.
WITH line AS (
    SELECT
        *,
        try_cast(Quantity AS BIGINT) AS signed_quantity,
        try_cast(UnitPrice AS DECIMAL(18, 4)) AS unit_price,
        InvoiceNo LIKE 'C%' AS is_cancellation,
        coalesce(InvoiceNo LIKE 'A%' AND try_cast(UnitPrice AS DECIMAL(18, 4)) < 0, FALSE) AS is_adjustment
    FROM {raw}
)
SELECT
    CASE WHEN is_cancellation THEN 'refund' WHEN is_adjustment THEN 'adjustment' ELSE 'purchase' END AS event_name,
    try_to_timestamp(concat(InvoiceDate, ' ', :time_zone), 'yyyy-MM-dd HH:mm:ss VV') AS event_time,
    regexp_replace(CustomerID, '[.]0$', '') AS user_id,
    nullif(Country, 'Unspecified') AS country,
    :currency AS currency,
    CASE WHEN NOT is_cancellation AND NOT is_adjustment THEN InvoiceNo END AS transaction_id,
    StockCode AS item_id,
    nullif(trim(Description), '') AS item_name,
    CASE WHEN StockCode NOT RLIKE '^[0-9]{5}' THEN 'Fees' END AS item_category,
    UnitPrice AS price,
    CASE WHEN is_cancellation THEN -signed_quantity ELSE signed_quantity END AS quantity,
    CASE
        WHEN is_cancellation OR is_adjustment THEN NULL
        WHEN unit_price = 0 AND signed_quantity < 0 THEN 'stock_write_off'
        WHEN unit_price = 0 THEN 'zero_price'
        WHEN unit_price < 0 THEN 'negative_price'
        WHEN signed_quantity < 0 THEN 'negative_quantity'
    END AS _excluded,
    _row
FROM line
