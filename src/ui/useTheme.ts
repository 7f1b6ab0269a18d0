import type { IThemeManager } from '@jupyterlab/apputils';
import { useEffect } from 'react';

/** Calls `read` when another theme of the lab has been loaded; `read` must not change. */
export function useTheme(
  themes: IThemeManager | null | undefined,
  read: () => void
): void {
  useEffect(() => {
    themes?.themeChanged.connect(read);
    return () => void themes?.themeChanged.disconnect(read);
  }, [themes, read]);
}
