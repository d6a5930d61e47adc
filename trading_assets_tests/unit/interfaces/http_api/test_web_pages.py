"""The pages for people, as a browser gets them."""

import base64
import hashlib
import re

from trading_assets.interfaces.http_api.web_pages import BUNDLE

STYLE = re.compile(r"\.innerText=`(a#tv-attr-logo\{[^`]*)`")


def test_the_page_and_all_it_names_are_served_and_nothing_of_others(endpoint):
    page = endpoint.http.get("/")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-cache"
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(named) >= 3
    assert all(name.startswith("/") for name in named)
    assert [endpoint.http.get(name).status_code for name in named] == [200] * len(named)
    assert endpoint.http.get("/..%2f__init__.py").status_code == 404
    assert endpoint.http.get("/desk", headers={"Accept": "text/html"}).status_code == 404
    assert not re.search(r"<style|<script>| style=| on\w+=", page.text)


def test_the_policy_allows_the_style_that_the_charts_add_and_no_other(endpoint):
    (script,) = (BUNDLE / "assets").glob("*.js")
    (style,) = STYLE.findall(script.read_text())
    found = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = endpoint.http.get("/").headers["content-security-policy"]
    assert f"style-src 'self' 'sha256-{found}';" in policy
    assert "unsafe" not in policy
