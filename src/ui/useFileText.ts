import type { ISharedFile } from '@jupyter/ydoc';
import { useEffect, useState } from 'react';

import { useRead } from './useRead';

/** The text of a shared document, followed; null while it is opened, or cannot be. */
export function useFileText(
  open: (path: string) => Promise<{ sharedModel: ISharedFile }>,
  path: string | null
): { text: string | null; error: string | null } {
  const { data, error } = useRead(
    path === null ? null : async () => ({ path, file: await open(path) }),
    [open, path]
  );
  const file = data?.path === path ? data?.file.sharedModel : undefined;
  const [text, setText] = useState<string | null>(null);
  useEffect(() => {
    const read = (): void => setText(file?.getSource() ?? null);
    read();
    file?.changed.connect(read);
    return () => void file?.changed.disconnect(read);
  }, [file]);
  return { text, error: error && error.message };
}
