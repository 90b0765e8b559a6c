"""Who gets in: hosts, origins, keys – and that a tenant meets nothing of another's."""

from __future__ import annotations

import pytest

from adapters.api_keys import create_key, keys_exist, list_keys, revoke_key
from api.auth import LocalAuthenticator, check_bind
from schemas.errors import NotFound, SetupError
from tests.api.harness import Api, randomness
from tests.api.parts import png

PROBLEM = "application/problem+json"


async def test_local_host_is_answered(api: Api) -> None:
    async with api.client() as client:
        for host in ("localhost", "LOCALHOST:8321", "127.0.0.1:8321", "[::1]", "[::1]:8321"):
            assert (await client.get("/v1/jobs", headers={"host": host})).status_code == 200, host


async def test_foreign_host_is_refused_when_there_are_no_keys(api: Api) -> None:
    hosts = ("evil.example", "localhost.evil.example", "127.0.0.1.nip.io:80", "10.0.0.1", "", "[::2]")
    async with api.client() as client:
        for host in hosts:
            for path in ("/", "/v1/jobs", "/healthz"):
                response = await client.get(path, headers={"host": host})
                assert (response.status_code, response.headers["content-type"]) == (421, PROBLEM), host


async def test_write_of_another_site_is_refused_when_there_are_no_keys(api: Api) -> None:
    foreign = [{"origin": origin} for origin in ("https://evil.example", "null", "http://localhost:9999")]
    foreign += [{"sec-fetch-site": site} for site in ("cross-site", "same-site")]
    async with api.client() as client:
        for headers in foreign:
            response = await client.post("/v1/uploads", files={"file": ("a.png", png())}, headers=headers)
            assert (response.status_code, response.headers["content-type"]) == (403, PROBLEM), headers
    assert api.log.stored() == []


async def test_write_of_our_own_page_is_taken(api: Api) -> None:
    headers = {"origin": "http://localhost", "sec-fetch-site": "same-origin"}
    async with api.client() as client:
        response = await client.post("/v1/uploads", files={"file": ("a.png", png())}, headers=headers)
        assert response.status_code == 202
        assert not [name for name in response.headers if name.startswith("access-control")]


NO_KEYS = ("", "Bearer", "Bearer ", "Bearer vk_", "Bearer vk_000000000000_" + "0" * 48, "Basic dTpw", "Bearer \0", "é")


async def test_request_without_a_valid_key_is_refused(keyed: Api) -> None:
    async with keyed.client() as client:
        for authorization in NO_KEYS:
            headers = [(b"authorization", authorization.encode())] if authorization else []
            for path in ("/v1/jobs", "/v1/anything", "/metrics"):
                response = await client.get(path, headers=headers)
                assert (response.status_code, response.headers["content-type"]) == (401, PROBLEM), authorization
                assert response.headers["www-authenticate"].startswith("Bearer")


async def test_refused_upload_is_not_read_further_than_needed(keyed: Api) -> None:
    async with keyed.client() as client:
        response = await client.post("/v1/uploads", files={"file": ("a.png", png())})
    assert response.status_code == 401
    assert keyed.pictures.calls == 0


async def test_key_opens_until_it_is_revoked(keyed: Api) -> None:
    created, key = await create_key(keyed.pool, tenant="acme", name="ci", randomness=randomness)
    async with keyed.client(key) as client:
        assert (await client.get("/v1/jobs")).status_code == 200
        almost = key[:-1] + ("0" if key[-1] != "0" else "1")
        assert (await client.get("/v1/jobs", headers={"authorization": f"Bearer {almost}"})).status_code == 401
        revoked = await revoke_key(keyed.pool, created.id)
        assert (await client.get("/v1/jobs")).status_code == 401
    assert revoked.revoked_at is not None
    assert (await revoke_key(keyed.pool, created.id)).revoked_at == revoked.revoked_at


async def test_keys_are_listed_without_their_secrets(pool: object) -> None:
    assert not await keys_exist(pool)
    one, key = await create_key(pool, tenant="one", name="laptop", randomness=randomness)
    two, _ = await create_key(pool, tenant="two", name="", randomness=randomness)
    assert await keys_exist(pool)
    assert {found.id for found in await list_keys(pool)} == {one.id, two.id}
    (found,) = await list_keys(pool, tenant="one")
    assert (found.tenant, found.name, found.last4) == ("one", "laptop", key[-4:])
    secret = key.rpartition("_")[2]
    rows = await pool.fetch("SELECT api_keys::text AS row FROM vaultra.api_keys")
    assert not any(secret in row["row"] for row in rows)
    with pytest.raises(NotFound):
        await revoke_key(pool, "nope")
    for tenant in ("", "Upper", "a b", "x" * 64, "../x"):
        with pytest.raises(SetupError):
            await create_key(pool, tenant=tenant, name="", randomness=randomness)


async def test_key_counts_on_loopback_too_when_one_is_sent(api: Api) -> None:
    key = await api.key("acme")
    async with api.client(key) as client:
        job_id = await api.upload(client)
        assert (await client.get("/v1/jobs", headers={"authorization": "Bearer wrong"})).status_code == 401
    assert (await api.received(job_id)).tenantid == "acme"


ROUTES = (
    "",
    "?wait_for={job}",
    "/events",
    "/events?follow=false",
    "/lineage",
    "/picture",
    "/artefacts/chart.png",
)


async def test_tenant_meets_nothing_of_another(keyed: Api) -> None:
    paths = {getattr(route, "path", "") for route in keyed.app.routes}
    async with keyed.client(await keyed.key("owner")) as owner:
        job = await keyed.upload(owner)
        await keyed.analyse(job, {"chart.png": png()})
        await keyed.project()
        for route in ROUTES:
            response = await owner.get(f"/v1/jobs/{job}{route.format(job=job)}")
            assert response.status_code == 200, (route, response.text)
            template = f"/v1/jobs/{{job_id}}{route.partition('?')[0].replace('chart.png', '{name}')}"
            paths.discard(template)
    async with keyed.client(await keyed.key("stranger")) as stranger:
        for route in ROUTES:
            response = await stranger.get(f"/v1/jobs/{job}{route.format(job=job)}")
            assert (response.status_code, response.headers["content-type"]) == (404, PROBLEM), route
            unknown = await stranger.get(f"/v1/jobs/{job[:-4]}ffff{route.format(job=job)}")
            assert unknown.text.replace(f"{job[:-4]}ffff", job) == response.text
        assert (await stranger.get("/v1/jobs")).json()["jobs"] == []
    left = {path for path in paths if path.startswith("/v1/jobs/")}
    assert left == set(), "routes this test does not go through"


async def test_tenant_meets_nothing_of_another_before_it_is_projected(keyed: Api) -> None:
    async with keyed.client(await keyed.key("owner")) as owner, keyed.client(await keyed.key("stranger")) as stranger:
        job = await keyed.upload(owner)
        assert (await owner.get(f"/v1/jobs/{job}")).status_code == 503
        assert (await stranger.get(f"/v1/jobs/{job}")).status_code == 404


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.4", "example.com", "localhost.example.com"])
def test_open_address_needs_keys(host: str) -> None:
    with pytest.raises(SetupError):
        check_bind(host, keys_exist=False)
    check_bind(host, keys_exist=True)
    with pytest.raises(SetupError):
        LocalAuthenticator(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_loopback_needs_no_keys(host: str) -> None:
    check_bind(host, keys_exist=False)
    LocalAuthenticator(host)


async def test_request_is_a_503_when_keys_cannot_be_read(keyed: Api) -> None:
    key = await keyed.key("acme")
    await keyed.pool.close()
    async with keyed.client(key) as client:
        response = await client.get("/v1/jobs")
    assert (response.status_code, response.headers["content-type"]) == (503, PROBLEM)
