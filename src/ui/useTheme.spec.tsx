import type { IThemeManager } from '@jupyterlab/apputils';
import { Signal } from '@lumino/signaling';
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { expect, it, vi } from 'vitest';

import { useTheme } from './useTheme';

it('reads again after each change of the theme, while it is shown', async () => {
  const themeChanged = new Signal<object, void>({});
  const themes = { themeChanged } as unknown as IThemeManager;
  const read = vi.fn();
  const View = (): null => {
    useTheme(themes, read);
    return null;
  };
  const root = createRoot(document.createElement('div'));
  await act(async () => root.render(<View />));
  expect(read).not.toHaveBeenCalled();
  themeChanged.emit();
  themeChanged.emit();
  expect(read).toHaveBeenCalledTimes(2);
  await act(async () => root.unmount());
  themeChanged.emit();
  expect(read).toHaveBeenCalledTimes(2);
});
