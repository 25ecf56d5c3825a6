"""What TELEMACHUS_FAILPOINTS may say. That the points are reached, and survived, is tests/failpoints' to prove."""

import signal
import subprocess
import sys

import pytest
from pydantic import ValidationError
from shared.chassis.failpoints import Arming, Failpoint, parse, reach
from shared.chassis.settings import Profile, ServiceSettings


def test_nothing_is_armed_by_default() -> None:
    assert ServiceSettings(service_name="matching").failpoints == ""
    assert parse("") == {}
    for point in Failpoint:
        reach(point)  # this process lives on


def test_a_pass_or_a_probability_says_when() -> None:
    assert parse("relay.after_send=kill:0.05, consumer.after_effect=freeze@3,write.after=kill") == {
        Failpoint.RELAY_AFTER_SEND: Arming(signal.SIGKILL, None, 0.05),
        Failpoint.CONSUMER_AFTER_EFFECT: Arming(signal.SIGSTOP, 3),
        Failpoint.WRITE_AFTER: Arming(signal.SIGKILL, 1),
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("relay.after_sent=kill", "there is no failpoint 'relay.after_sent'; there are request.begun, "),
        ("write.after", "kill or freeze, then nothing"),
        ("write.after=explode", "kill or freeze, then nothing"),
        ("write.after=kill@0", "kill or freeze, then nothing"),
        ("write.after=kill:1.5", "kill or freeze, then nothing"),
        ("write.after=kill:0.0", "a probability of 0 would never strike"),
        ("write.after=kill,write.after=freeze", "write.after is armed twice"),
    ],
)
def test_a_start_with_a_setting_that_says_nothing_fails_and_names_the_field(text: str, why: str) -> None:
    with pytest.raises(ValidationError, match="TELEMACHUS_FAILPOINTS") as refused:
        ServiceSettings(service_name="matching", failpoints=text)
    assert why in str(refused.value)


def test_a_cluster_refuses_to_kill_its_services() -> None:
    with pytest.raises(ValidationError, match="TELEMACHUS_FAILPOINTS is for the local profile only"):
        ServiceSettings(service_name="matching", profile=Profile.CLUSTER, failpoints="write.after=kill")


def test_the_third_pass_is_the_last() -> None:
    program = """
from shared.chassis.failpoints import Failpoint, arm, parse, reach
arm(parse("write.after=kill@3"))
for number in (1, 2, 3, 4):
    reach(Failpoint.WRITE_BEFORE)
    print(number, flush=True)
    reach(Failpoint.WRITE_AFTER)
"""
    died = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert (died.stdout.split(), died.returncode) == (["1", "2", "3"], -signal.SIGKILL)
