-- PostgreSQL over the staged rows of the run; a check is a SELECT of the rows that break it: (date, value, detail).

-- check: no_age_has_more_than_its_cohort (blocking)
SELECT cohort_month, customers, format('age %s, cohort of %s', age_months, cohort_customers)
FROM {mart_cohort_retention} WHERE customers > cohort_customers OR cohort_customers IS NULL;
