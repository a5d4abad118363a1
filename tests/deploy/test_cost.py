import pytest

from deploy import cost


def test_an_upload_is_two_puts_a_get_and_a_run():
    expected = 2 * 0.000005 + 0.0000004 + 0.0000002 + 0.1 * 0.0000133334
    assert cost.per_upload() == pytest.approx(expected)


def test_another_processor_and_more_memory_cost_more():
    assert cost.per_upload() < cost.per_upload(architecture="x86_64")
    assert cost.per_upload(memory_mb=1024) > cost.per_upload(memory_mb=512)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"uploads": 1_000_000}, "1,000,000 uploads cost about $11.93"),
        ({"alarms": 5}, "5 alarms cost $0.50 a month"),
        ({"queue": True}, "costs $0.26 a month"),
    ],
)
def test_in_words_it_says_what_there_is_and_the_date(given, words):
    said = cost.in_words(**given)
    assert words in said and cost.PRICES_READ in said
    assert ("alarms" in said, "queue" in said) == ("alarms" in given, "queue" in given)


MB = 2**20


def test_infrequent_access_stores_for_about_half():
    standard, rare = (cost.keeping(name, 4 * MB) for name in cost.STORAGE_USD)
    assert rare == pytest.approx(standard * 0.0125 / 0.023)


def test_at_break_even_both_cost_the_same():
    reads = cost.break_even_reads(4 * MB)
    assert 0.5 < reads < 1.1
    assert cost.keeping("STANDARD", 4 * MB, reads) == pytest.approx(
        cost.keeping("STANDARD_IA", 4 * MB, reads)
    )


def test_a_thumbnail_is_never_cheaper_there():
    assert cost.break_even_reads(12_000) == 0
    assert cost.keeping("STANDARD_IA", 12_000) > cost.keeping("STANDARD", 12_000)


def test_a_day_at_rest_is_storage_alarms_and_polls():
    gigabytes = {"STANDARD": 2**30, "STANDARD_IA": 2**30, "GLACIER": 2**30}
    month = 0.023 + 0.0125 + 0.023
    assert cost.a_day(gigabytes) == pytest.approx(month / 30)
    assert cost.a_day({}, alarms=3) == pytest.approx(0.01)
    assert cost.a_day({}, queue=True) == pytest.approx(21_600 * 0.4e-6)
