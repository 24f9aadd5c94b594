// Keys for the links that a page has anyway.
"use strict";
const RELATIONS = { j: "next", ArrowRight: "next", k: "prev", ArrowLeft: "prev", u: "up", n: "next-problem", p: "prev-problem" };
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (search) { event.preventDefault(); search.focus(); }
    return;
  }
  const relation = RELATIONS[event.key];
  const link = relation && document.querySelector(`a[rel=${relation}]`);
  if (link) location.href = link.href;
});
