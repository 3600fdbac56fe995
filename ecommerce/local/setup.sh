#!/bin/sh
# Finds a Python that really runs (a name on the PATH may be an empty shim) and hands over to bootstrap.py.
here=$(dirname "$0")
check='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'
seen=
for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
    if "$candidate" -c "$check" >/dev/null 2>&1; then
        usable=${usable:-$candidate}
        if "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then
            exec "$candidate" -I "$here/bootstrap.py"
        fi
    elif version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null); then
        seen="$seen $candidate is $version;"
    fi
done
seen=${seen# }
if [ -n "$usable" ]; then
    version=$("$usable" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "error: $usable cannot make virtual environments: install its venv module (Debian, Ubuntu: apt install python$version-venv)" >&2
elif [ -n "$PYTHON" ]; then
    echo "error: PYTHON=$PYTHON is not a working Python 3.11, 3.12 or 3.13 (${seen:-it does not run;} Airflow and Spark support no other)" >&2
else
    echo "error: no working Python 3.11, 3.12 or 3.13 on the PATH (${seen:-none found;} Airflow and Spark support no other):" \
        "install one, or name it: make up PYTHON=/path/to/python3.12" >&2
fi
exit 1
