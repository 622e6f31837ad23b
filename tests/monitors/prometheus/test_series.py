from __future__ import annotations

from monitors.prometheus import AskedExporter, Series


def test_what_is_asked_for_is_what_there_is_at_every_scrape() -> None:
    seen: list[Series] = []
    exporter = AskedExporter(lambda: seen)
    assert exporter.render() == b""
    seen += [
        Series("band", "How well.", ("column",), ((("price",), 2.0), (("size",), -1.0))),
        Series.counted("advices", "How often.", [((), 3.0)], []),
    ]
    lines = [line for line in exporter.render().decode().splitlines() if not line.startswith("# HELP")]
    assert lines == [
        "# TYPE synthstream_band gauge",
        'synthstream_band{column="price"} 2.0',
        'synthstream_band{column="size"} -1.0',
        "# TYPE synthstream_advices_total counter",
        "synthstream_advices_total 3.0",
    ]
