-- One row per shop-day with an accepted event.
WITH steps AS (
    SELECT
        shop_id,
        date,
        count_if(event_name = 'page_view') AS page_views,
        count_if(event_name = 'view_item') AS item_views,
        count_if(event_name = 'add_to_cart') AS add_to_carts,
        count_if(event_name = 'begin_checkout') AS checkouts
    FROM {events}
    WHERE item_index = 0
    GROUP BY shop_id, date
),
reached AS (
    SELECT
        shop_id,
        date,
        count(*) AS sessions,
        count_if(item_views > 0) AS sessions_with_view,
        count_if(add_to_carts > 0) AS sessions_with_cart,
        count_if(checkouts > 0) AS sessions_with_checkout,
        count_if(orders > 0) AS sessions_with_order,
        count_if(step >= 1) AS reached_view,
        count_if(step >= 2) AS reached_cart,
        count_if(step >= 3) AS reached_checkout,
        count_if(step >= 4) AS reached_order
    FROM {fct_session}
    GROUP BY shop_id, date
)
SELECT
    steps.*,
    CASE WHEN :has_session_id THEN coalesce(reached.sessions, 0) END AS sessions,
    CASE WHEN :has_session_id THEN coalesce(reached.sessions_with_view, 0) END AS sessions_with_view,
    CASE WHEN :has_session_id THEN coalesce(reached.sessions_with_cart, 0) END AS sessions_with_cart,
    CASE WHEN :has_session_id THEN coalesce(reached.sessions_with_checkout, 0) END AS sessions_with_checkout,
    CASE WHEN :has_session_id THEN coalesce(reached.sessions_with_order, 0) END AS sessions_with_order,
    CASE WHEN :has_session_id THEN coalesce(reached.reached_view, 0) END AS reached_view,
    CASE WHEN :has_session_id THEN coalesce(reached.reached_cart, 0) END AS reached_cart,
    CASE WHEN :has_session_id AND steps.checkouts > 0 THEN coalesce(reached.reached_checkout, 0) END AS reached_checkout,
    CASE WHEN :has_session_id THEN coalesce(reached.reached_order, 0) END AS reached_order
FROM steps
LEFT JOIN reached ON reached.shop_id = steps.shop_id AND reached.date = steps.date
