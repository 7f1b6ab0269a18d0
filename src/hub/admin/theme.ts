import dark from '@jupyterlab/theme-dark-extension/style/variables.css?inline';
import light from '@jupyterlab/theme-light-extension/style/variables.css?inline';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const STORAGE_KEY = 'mlws-theme';
const DARK_QUERY = '(prefers-color-scheme: dark)';

/** JupyterLab's colors, light or dark: by the system, or by the user's choice. */
export class PageTheme {
  constructor() {
    document.head.append(this._style);
    this._system.addEventListener('change', () => this._apply());
    this._apply();
  }

  get chosen(): Theme {
    const stored = localStorage.getItem(STORAGE_KEY) as Theme;
    return THEMES.includes(stored) ? stored : 'system';
  }

  set chosen(theme: Theme) {
    localStorage.setItem(STORAGE_KEY, theme);
    this._apply();
  }

  private _apply(): void {
    const { chosen } = this;
    const isDark =
      chosen === 'system' ? this._system.matches : chosen === 'dark';
    this._style.textContent = isDark ? dark : light;
    document.body.dataset.jpThemeLight = String(!isDark);
    document.documentElement.style.colorScheme = isDark ? 'dark' : 'light';
  }

  private _style = document.createElement('style');
  private _system = matchMedia(DARK_QUERY);
}
