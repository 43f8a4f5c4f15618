"""Several processes are one portal: what one knows, all know within a second."""

import asyncio
import time

import pytest

from tenant_portal import db
from tenant_portal.identity.rules import SIGN_IN
from tenant_portal.tenants import service as tenants
from tests.chaos.cluster.conftest import KNOWN_WITHIN, WEB, Cluster, within
from tests.cluster.servers import needs
from tests.portal_server import Tab, name_of, open_tab

pytestmark = [pytest.mark.chaos, needs("redis-server"), needs("pgbouncer"), pytest.mark.timeout(300)]
VAULT = "tests___ui___attack_app____vault_state"


async def arrives(tab: Tab, words: str, seconds: float = KNOWN_WITHIN) -> bool:
    """Whether the tab is sent this in time."""
    until = time.monotonic() + seconds
    while words not in tab.all and time.monotonic() < until:
        await asyncio.sleep(0.02)
    return words in tab.all


async def opened(tab: Tab) -> None:
    """The vault page is loaded and waits for live updates."""
    await tab.call(name_of(VAULT, "load"))


def test_a_session_is_good_at_every_process(cluster: Cluster) -> None:
    cookie = cluster.web[0].sign_in(cluster.cast.bob)
    for web in cluster.web:
        with web.http(cookie) as http:
            assert http.get("/login").status_code == 303
    with cluster.web[1].http(cookie) as http:
        http.post("/auth/logout")
    for web in cluster.web:
        with web.http(cookie) as http:
            assert http.get("/login").status_code == 200


def test_wrong_passwords_are_counted_together(cluster: Cluster) -> None:
    def attempt(web: int, password: str) -> int:
        with cluster.web[web].http() as http:
            return http.post("/auth/login", data={"email": cluster.cast.bob.email, "password": password}).status_code

    cluster.query("delete from sign_in_attempt")
    assert {attempt(number % WEB, "wrong") for number in range(SIGN_IN.account_free)} == {401}
    assert cluster.query("select failures from sign_in_attempt where key like 'account:%%'") == [
        (SIGN_IN.account_free,)
    ]
    # The first pause is short; a slow machine needs a longer one to see it everywhere.
    cluster.query("update sign_in_attempt set blocked_until = now() + interval '1 min' where key like 'account:%%'")
    assert [attempt(web, cluster.cast.bob.password) for web in range(WEB)] == [401] * WEB
    cluster.query("delete from sign_in_attempt")
    assert attempt(1, cluster.cast.bob.password) == 303


async def test_a_browser_at_one_sees_the_webhook_that_another_took(cluster: Cluster) -> None:
    alice, charlie = (cluster.web[0].session(who) for who in (cluster.cast.alice, cluster.cast.charlie))
    async with open_tab(cluster.web[0], alice) as own, open_tab(cluster.web[2], charlie) as foreign:
        await opened(own)
        await opened(foreign)
        before = foreign.all
        assert await asyncio.to_thread(cluster.post, 1, cluster.cast.acme) == 200
        # The poke names the page's own handler, which a browser then calls.
        assert await arrives(own, name_of(VAULT, "poked"))
        assert "-Acme-poked" in await own.call(name_of(VAULT, "poked"))
        await foreign.quiet()
        assert foreign.all == before


async def test_a_sign_out_at_one_ends_the_socket_at_another(cluster: Cluster) -> None:
    cookie = cluster.web[1].sign_in(cluster.cast.alice)
    async with open_tab(cluster.web[0], cookie) as tab:
        with cluster.web[2].http(cookie) as http:
            http.post("/auth/logout")
        assert await tab.closed(KNOWN_WITHIN)
    with pytest.raises(ConnectionError):
        async with open_tab(cluster.web[1], cookie):
            pass


async def test_a_tab_keeps_its_state_wherever_it_comes_back(cluster: Cluster) -> None:
    cookie = cluster.web[0].session(cluster.cast.alice)
    async with open_tab(cluster.web[0], cookie) as tab:
        await tab.call(name_of(VAULT, "take_number"), {"n": 3, "words": [], "form": {}})
    async with open_tab(cluster.web[1], cookie, token=tab.token) as again:
        assert (again.new_token, again.var("vault_state", "ran")) == ("", ["int-list-dict"])


async def test_a_tabs_name_opens_nothing_for_another_client(cluster: Cluster) -> None:
    alice, charlie = (cluster.web[0].session(who) for who in (cluster.cast.alice, cluster.cast.charlie))
    async with open_tab(cluster.web[0], alice) as tab:
        await opened(tab)
        async with open_tab(cluster.web[1], charlie, token=tab.token) as thief:
            assert thief.new_token not in ("", tab.token)
            assert "-Acme" not in thief.all
    async with open_tab(cluster.web[2], charlie, token=tab.token) as thief:
        await thief.send(name_of(VAULT, "load"))
        await thief.quiet()
        assert "-Acme" not in thief.all
        assert "/signed-out" in thief.all


def test_a_suspension_is_known_everywhere_at_once(cluster: Cluster) -> None:
    globex = cluster.cast.globex
    assert [cluster.post(web, globex) for web in range(WEB)] == [200] * WEB
    _change(cluster, tenants.suspend, globex.tenant_id)
    assert all(within(KNOWN_WITHIN, lambda web=web: cluster.post(web, globex) == 403) for web in range(WEB))
    _change(cluster, tenants.resume, globex.tenant_id)
    assert all(within(KNOWN_WITHIN, lambda web=web: cluster.post(web, globex) == 200) for web in range(WEB))


def test_a_new_token_is_known_everywhere_at_once(cluster: Cluster) -> None:
    acme = cluster.cast.acme
    fresh = "f" * 32
    assert [cluster.post(web, acme, token=fresh) for web in range(WEB)] == [403] * WEB
    with cluster.door():
        asyncio.run(_rotate(cluster, fresh))
    assert all(within(KNOWN_WITHIN, lambda web=web: cluster.post(web, acme, token=fresh) == 200) for web in range(WEB))
    cluster.query("update subaccount set previous_token_until = now() where tenant_id = %s", acme.tenant_id)
    assert all(within(KNOWN_WITHIN, lambda web=web: cluster.post(web, acme) == 403) for web in range(WEB))
    with cluster.door():
        asyncio.run(_rotate(cluster, acme.auth_token))


async def _rotate(cluster: Cluster, token: str) -> None:
    tenant_id = cluster.cast.acme.tenant_id
    async with db.tenant_session(tenant_id) as session:
        await tenants.expect_token(session, tenant_id, token)
        await tenants.replace_token(session, tenant_id, token)


def _change(cluster: Cluster, change: object, tenant_id: object) -> None:
    async def work() -> None:
        async with db.staff_session() as session:
            await change(session, tenant_id)  # type: ignore[operator]

    with cluster.door():
        asyncio.run(work())


def test_the_workers_do_each_piece_of_work_once(cluster: Cluster) -> None:
    async def make() -> None:
        for number in range(8):
            async with db.staff_session() as session:
                await tenants.create(session, f"Client {number}")

    with cluster.door():
        asyncio.run(make())
    made = "select count(*), count(distinct s.account_sid) from tenant t join subaccount s on s.tenant_id = t.id"
    active = f"{made} where t.name like 'Client %%' and t.state = 'active'"
    assert within(30, lambda: cluster.query(active) == [(8, 8)])
    assert cluster.query("select count(*) from jobs.procrastinate_workers") == [(2,)]
