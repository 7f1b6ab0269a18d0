import type { IThemeManager } from '@jupyterlab/apputils';
import { useEffect } from 'react';

/** Calls `read` after a theme was loaded; `read` must not change. */
export function useTheme(
  themes: IThemeManager | null | undefined,
  read: () => void
): void {
  useEffect(() => {
    themes?.themeChanged.connect(read);
    return () => void themes?.themeChanged.disconnect(read);
  }, [themes, read]);
}
