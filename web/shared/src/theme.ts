// Light or dark: the system's wish until somebody chooses here. theme.js applies the choice before the first paint.

export type Theme = 'system' | 'light' | 'dark';

export function themeChosen(): Theme {
  const chosen = document.documentElement.dataset['theme'];
  return chosen === 'light' || chosen === 'dark' ? chosen : 'system';
}

export function isDark(): boolean {
  const chosen = themeChosen();
  return chosen === 'system' ? matchMedia('(prefers-color-scheme: dark)').matches : chosen === 'dark';
}

/** Goes to the other of light and dark; forgets the choice when it is what the system wants anyway. */
export function switchTheme(): Theme {
  const wanted = isDark() ? 'light' : 'dark';
  const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  const theme: Theme = wanted === system ? 'system' : wanted;
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  try {
    if (theme === 'system') localStorage.removeItem('theme');
    else localStorage.setItem('theme', theme);
  } catch {
    // Storage may be forbidden: the choice then lasts as long as the page.
  }
  return theme;
}
