"""The whole thread with everything real: two people enter by a link, see each other walk, talk, and go."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.browser import Visitor, once_in_three
from tests.support.house import House

pytestmark = [pytest.mark.browser, pytest.mark.homeserver]
Visit = Callable[..., Visitor]
ARRIVAL_M = 0.10  # how near to the truth the others must see somebody who has come to rest


def peer(name: str) -> str:
    """A JavaScript expression for the peer called `name`."""
    return f"Object.values(r.peers).find((p) => p.name === {name!r})"


def peer_is_within(name: str, metres: float, point: list[float]) -> str:
    """A JavaScript condition: `name` is shown within `metres` of `point`."""
    return f"Math.hypot(...{peer(name)}.position.map((v, i) => v - {point}[i])) < {metres}"


def test_two_people_enter_and_one_sees_the_other_arrive(visit: Visit) -> None:
    ada, grace = visit("Ada", seen=True), visit("Grace", seen=True)
    ada.wait_for(peer("Grace"))
    grace.wait_for(peer("Ada"))
    stopped = ada.walk("KeyW", 2.0)["self"]["position"]
    grace.wait_for(peer_is_within("Ada", ARRIVAL_M, stopped), seconds=5)


def test_a_closed_tab_is_gone_within_a_second_and_leaves_the_room(visit: Visit) -> None:
    ada = visit("Ada")

    def attempt() -> bool:
        grace = visit("Grace")
        ada.wait_for(peer("Grace"))
        grace.page.close(run_before_unload=False)
        closed = time.monotonic()
        ada.wait_for(f"!{peer('Grace')}", seconds=5)  # of silence it would take 6 s
        return time.monotonic() - closed < 1.0

    once_in_three(attempt)


def test_a_second_tab_is_a_second_person(visit: Visit, house: House) -> None:
    first = visit("Ada")
    second = first.another_tab(house.link)
    second.enter("Ada again")
    first.wait_for(peer("Ada again"))
    assert first.hook()["self"]["userId"] != second.hook()["self"]["userId"]


def test_the_same_browser_is_the_same_guest_next_time(visit: Visit, house: House) -> None:
    ada = visit("Ada")
    user = ada.hook()["self"]["userId"]
    ada.page.goto(house.link)
    assert ada.page.get_by_label("Your name").input_value() == "Ada"
    ada.enter("Ada")
    assert ada.hook()["self"]["userId"] == user


def test_chat_goes_both_ways(visit: Visit) -> None:
    ada, grace = visit("Ada"), visit("Grace")
    ada.say("Good evening, Grace")
    grace.wait_for("r.chat.some((m) => m.body === 'Good evening, Grace' && m.name === 'Ada' && !m.mine)", seconds=5)
    grace.say("<b>Hello</b>")
    ada.wait_for("r.chat.some((m) => m.body === '<b>Hello</b>' && !m.mine)", seconds=5)


@pytest.fixture
def plaza(tmp_path: Path) -> Iterator[House]:
    """`roomscale up` with the sample worlds."""
    with House(tmp_path / "data") as house:
        yield house


@pytest.mark.proof  # a picture for people to look at; the samples are entered by `make demo`
def test_a_portrait_of_two_people_in_the_plaza(visit: Visit, plaza: House, artefacts: Path) -> None:
    chidi = visit("Chidi", link=plaza.link, avatar="Chidi", seen=True)
    for key, metres in (("KeyW", 2.0), ("KeyD", 0.6), ("KeyS", 0.3)):  # ahead, aside (short of the bench), turned back
        chidi.walk(key, metres)
    chidi.page.evaluate("window.requestAnimationFrame = () => 0")  # he has seen enough, and stays
    ada = visit("Ada", link=plaza.link, avatar="Ada", sharpness=1, seen=True)
    ada.wait_for(peer_is_within("Chidi", ARRIVAL_M, chidi.hook()["self"]["position"]))
    chidi.say("Good evening, Ada! Shall we cross the bridge?")
    ada.wait_for("r.chat.some((m) => m.name === 'Chidi' && !m.mine)")
    ada.say("What a lovely evening!")
    ada.wait_for("r.chat.some((m) => m.mine && m.body === 'What a lovely evening!')")
    ada.page.set_viewport_size({"width": 1280, "height": 720})
    ada.page.screenshot(path=artefacts / "two-people.png")
    assert (artefacts / "two-people.png").stat().st_size > 50_000, "an empty picture compresses to almost nothing"
