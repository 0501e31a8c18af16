"""Charts as numbers: nothing leaves the drawing, and what is not nothing is seen."""

from testamur.dashboard.charts import HEIGHT, WIDTH, bar_chart, round_top, spark_points


def test_charts_show_what_is_not_nothing():
    chart = bar_chart(["a", "b", "c"], [0, 1, 1000])
    assert [bar.height for bar in chart.bars] == [0, 1.2, HEIGHT]
    assert chart.ticks == [1000, 500, 0]
    assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH and bar.y + bar.height == HEIGHT for bar in chart.bars)
    assert not bar_chart(["a"], [0]).has_values
    assert bar_chart([], []).bars == []
    assert [round_top(value) for value in (0, 1, 2, 3, 9, 10, 11, 61, 1001)] == [1, 1, 2, 4, 10, 10, 20, 80, 2000]
    assert spark_points([0, 0]) == "0.0,96.0 1000.0,96.0"
    assert spark_points([7]) == "0.0,4.0"
