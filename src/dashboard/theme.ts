// Light or dark: as the system says, until the button says otherwise.
import { byId, setAttribute, setText } from './dom.ts';

const KEY = 'sstp-gateway-theme';
type Theme = 'light' | 'dark';

const system = matchMedia('(prefers-color-scheme: dark)');

/** @param changed called whenever the colours change */
export function startTheme(changed: () => void): void {
  const button = byId('theme', HTMLButtonElement);
  const show = (): void => {
    const chosen = stored();
    setAttribute(document.documentElement, 'data-theme', chosen);
    const next = other(chosen ?? systemTheme());
    setText(button, next === 'dark' ? 'Dark' : 'Light');
    setAttribute(button, 'aria-label', `Use ${next} colours`);
    changed();
  };
  button.addEventListener('click', () => {
    const next = other(stored() ?? systemTheme());
    // What the system wants need not be remembered: the page follows it again.
    if (next === systemTheme()) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, next);
    show();
  });
  system.addEventListener('change', show);
  show();
}

function stored(): Theme | undefined {
  const value = localStorage.getItem(KEY);
  return value === 'light' || value === 'dark' ? value : undefined;
}

function systemTheme(): Theme {
  return system.matches ? 'dark' : 'light';
}

function other(theme: Theme): Theme {
  return theme === 'dark' ? 'light' : 'dark';
}
