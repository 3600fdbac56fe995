-- PostgreSQL over the staged rows of the run; a check is a SELECT of the rows that break it: (date, value, detail).

-- check: refunds_are_linked_or_not (blocking)
SELECT max(date), sum(refunds), format('%s refunded, %s unlinked', sum(refunds_of_day), sum(unlinked))
FROM {mart_refund_rate} HAVING sum(refunds) + sum(unlinked) <> sum(refunds_of_day);

-- check: no_more_back_than_paid (warning)
SELECT date, refunds, format('revenue %s', revenue) FROM {mart_refund_rate} WHERE refunds > revenue;
