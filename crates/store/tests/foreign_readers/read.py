"""Reads the segments of a data folder with DuckDB and pandas and prints what they see, for the test to compare.

The three queries are those of docs/storing.md.
"""
import glob
import sys

import duckdb
import pyarrow.parquet

files = sys.argv[1] + "/segments/*.spans.parquet"


def show(title, rows):
    print(title)
    for row in rows:
        print(" ", *row)


show("slowest operations", duckdb.sql(f"""
    SELECT service, name, count(*), round(avg(duration) / 1e6, 3) AS ms
    FROM '{files}' GROUP BY ALL ORDER BY ms DESC, service, name
""").fetchall())
show("tokens by model", duckdb.sql(f"""
    SELECT "span.gen_ai.request.model", sum("span.gen_ai.usage.input_tokens:int"), avg("span.score:double")
    FROM '{files}' WHERE "span.gen_ai.request.model" IS NOT NULL GROUP BY ALL ORDER BY 1
""").fetchall())
show("who calls whom", duckdb.sql(f"""
    WITH spans AS (FROM read_parquet('{files}', file_row_number = true, filename = true))
    SELECT caller.service, callee.service, count(*), count(*) FILTER (callee.status_code = 2)
    FROM spans callee JOIN spans caller
      ON caller.filename = callee.filename AND caller.file_row_number = callee.file_row_number - callee.parent_distance
    WHERE caller.service <> callee.service GROUP BY ALL ORDER BY ALL
""").fetchall())

frames = [pyarrow.parquet.read_table(path).to_pandas() for path in sorted(glob.glob(files))]
rows = sum(len(frame) for frame in frames)
nanos = sum(int(nanos) for frame in frames for nanos in frame["start"].astype("int64")) % 1_000_003
ids = sum(sum(value[-1] for value in frame["span_id"]) for frame in frames)
texts = sorted({text for frame in frames for text in frame["span.gen_ai.request.model"].dropna()})
flags = sum(int(frame["span.cached:bool"].dropna().astype(bool).sum()) for frame in frames)
show("pandas", [(rows, "rows"), (nanos, "of starts"), (ids, "of ids"), (*texts, "models"), (flags, "cached")])
