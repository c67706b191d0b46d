"""Every way of writing a feature that some mail program does not know, and its name."""

from __future__ import annotations

import re

import pytest

from newsletter.config import Config
from tests.unit.test_check_limits import told
from tests.unit.test_check_variants import config

__all__ = ["config"]  # the fixture

DECLARATIONS = """
margin-inline:1px                         css-margin-inline-block
padding-block:1px                         css-padding-inline-block
margin-inline-start:1px                   css-margin-inline-start-end
padding-block-end:1px                     css-padding-block-start-end
border-inline:1px solid                   css-border-inline-block
border-block-end:1px solid                css-border-inline-block-individual
border-inline-start-color:red             css-border-inline-block-longhand
border-end-start-radius:1px               css-border-radius-logical
border-top-left-radius:1px                css-border-radius
border-image-width:1px                    css-border-image
right:1px                                 css-left-right-top-bottom
column-width:1px                          css-column-layout-properties
column-rule-color:red                     css-column-layout-properties
grid-row-gap:1px                          css-gap
grid-template-areas:none                  css-grid-template
scroll-snap-type:none                     css-scroll-snap
inline-size:1px                           css-block-inline-size
text-emphasis-style:dot                   css-text-emphasis
flex-flow:row                             css-flex-wrap
mask-image-x:none                         css-mask-image
filter-x:none                             css-filter
transform-origin:0                        css-transform
animation-name:x                          css-animation
inset-inline:0                            css-inset
overflow-x:hidden                         css-overflow
background-position-x:1px                 css-background-position
object-position-x:1px                     css-object-position
-moz-box-shadow:none                      css-box-shadow
display:none                              css-display-none
display:inline-grid                       css-display-grid
background:linear-gradient(red,red)       css-background-image
background:linear-gradient(red,red)       css-linear-gradient
background:radial-gradient(red,red)       css-radial-gradient
width:max-content                         css-intrinsic-size
height:min-content                        css-intrinsic-size
font:1px system-ui                        css-sytem-ui
width:calc(1px)                           css-unit-calc
width:clamp(1px,2px,3px)                  css-function-clamp
width:min(1px,2px)                        css-function-min
width:max(1px,2px)                        css-function-max
color:light-dark(red,red)                 css-function-light-dark
color:rgba(0,0,0,1)                       css-rgba
color:hwb(0 0% 0%)                        css-modern-color
color:lab(0 0 0)                          css-modern-color
color:oklab(0 0 0)                        css-modern-color
color:lch(0 0 0)                          css-modern-color
color:color(srgb 0 0 0)                   css-modern-color
color:color-mix(in srgb,red,red)          css-modern-color
color:var(--x)                            css-variables
color:initial                             css-unit-initial
width:1vmin                               css-unit-vmin
width:.5vmax                              css-unit-vmax
width:1vw                                 css-unit-vw
width:-1vh                                css-unit-vh
width:1ch                                 css-unit-ch
width:1rem                                css-unit-rem
"""
STYLES = """
a, b { color: red }                       css-selector-grouping
a > b { color: red }                      css-selector-child
a + b { color: red }                      css-selector-adjacent-sibling
a ~ b { color: red }                      css-selector-general-sibling
a b { color: red }                        css-selector-descendant
.a .b { color: red }                      css-selector-descendant
a[href] { color: red }                    css-selector-attribute
#a { color: red }                         css-selector-id
.a { color: red }                         css-selector-class
a { color: red }                          css-selector-type
* { color: red }                          css-selector-universal
.a#b { color: red }                       css-selector-chaining
a:hover { color: red }                    css-pseudo-class-hover
a:first-child { color: red }              css-pseudo-class-first-child
a::after { color: red }                   css-pseudo-element-after
a:after { color: red }                    css-pseudo-element-after
a:first-letter { color: red }             css-pseudo-element-first-letter
a::marker { color: red }                  css-pseudo-element-marker
a { color: red !important }               css-important
@media (hover: none) { a { color: red } } css-at-media-hover
@media (orientation: portrait) { a {} }   css-at-media-orientation
@media (prefers-color-scheme: dark) {a{}} css-at-media-prefers-color-scheme
@import url(x.css);                       css-at-import
a { b { color: red } }                    css-nesting
/* words */                               css-comments
"""
ELEMENTS = """
<section>x</section>                      html-semantics
<figure>x</figure>                        html-semantics
<map name="x"></map>                      html-image-maps
<video></video>                           html-video
<audio></audio>                           html-audio
<svg></svg>                               html-svg
<marquee>x</marquee>                      html-marquee
<form></form>                             html-form
<input>                                   html-input-text
<input type="radio">                      html-input-radio
<button>x</button>                        html-button-submit
<button type="reset">x</button>           html-button-reset
<p popover>x</p>                          html-popover
<p aria-live="off">x</p>                  html-aria-live
<p aria-label="x">x</p>                   html-aria-label
<p aria-describedby="x">x</p>             html-aria-describedby
<p inert>x</p>                            css-inert-attribute
<img loading="lazy">                      html-loading-attribute
<img srcset="x">                          html-srcset
<img src="data:x">                        image-base64
<img src="https://x/a.svg">               image-svg
<img src="https://x/a.WEBP?x=1">          image-webp
<img src="https://x/a.avif">              image-avif
<img src="https://x/a.heic">              image-heif
<img src="https://x/a.tif">               image-tiff
<a href="mailto:x">x</a>                  html-mailto-links
<a href="#x">x</a>                        html-anchor-links
"""


def rows(table: str) -> list[tuple[str, str]]:
    found = (re.fullmatch(r"(.*?) +(\S+)", line) for line in table.split("\n") if line)
    return [(match[1], match[2]) for match in found if match]


def used(config: Config, body: str = "", style: str = "") -> set[str]:
    """The features that mail programs do not know of a page with nothing else in it."""
    page = f"<html><head><style>{style}</style></head><body>{body}</body></html>"
    found = told(config, "clients", lambda _: page)
    return {name for _, said in found for name in re.findall(r"\b(?:css|html|image)-[\w-]+", said)}


@pytest.mark.parametrize(("declaration", "feature"), rows(DECLARATIONS))
def test_a_declaration(config: Config, declaration: str, feature: str) -> None:
    assert feature in used(config, f'<p style="{declaration}">x</p>')
    assert feature in used(config, style=f"p {{ {declaration} }}")
    assert feature not in used(config, '<p style="color:#000">x</p>')


@pytest.mark.parametrize(("rule", "feature"), rows(STYLES))
def test_a_rule(config: Config, rule: str, feature: str) -> None:
    assert feature in used(config, style=rule)
    assert feature not in used(config)


@pytest.mark.parametrize(("element", "feature"), rows(ELEMENTS))
def test_an_element(config: Config, element: str, feature: str) -> None:
    assert feature in used(config, element)
    assert feature not in used(config, "<p>x</p>")
