import pytest

from engine.functions import find_function
from retrigger.demo.functions import badge_number


def test_the_workflow_finds_it_by_name():
    found = find_function("hr.badge_number")
    assert found is not None
    assert found.call is badge_number


@pytest.mark.parametrize(
    ("account", "office", "badge"),
    [
        ("acc-1001", "Lisbon", "LIS-1001-7"),
        ("acc-1001", "Berlin", "BER-1001-7"),
        ("acc-1005", "Nowhere", "HQ-1005-4"),
        ("acc-6", "Toronto", "TOR-6-1"),
        ("acc-5", "Toronto", "TOR-5-X"),
    ],
)
def test_the_badge_follows_from_account_and_office(account, office, badge):
    assert badge_number(account=account, office=office) == {"badge": badge}


def test_an_account_without_a_number_is_named():
    with pytest.raises(ValueError, match="'ok' does not end in a number"):
        badge_number(account="ok", office="Lisbon")
