// Before the first paint: the theme that was chosen here before. A file of its own, as the policy has no inline script.
(function () {
  try {
    var chosen = localStorage.getItem('theme');
    if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
  } catch (unavailable) {
    // Storage may be forbidden; the system's preference then holds.
  }
})();
