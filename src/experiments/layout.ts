import { useRef, useState } from 'react';

import { escapeId, type MLWSClient } from '../api/client';
import type { IRunView, IRunViews } from '../api/models';
import { notifyOnError } from '../lab/notify';
import { useGet, type IAnswer } from '../ui/server';
import { DEFAULT_LAYOUT, type ILayout, type ISearch } from './table';

const PATH = '/runs/views';
const viewPath = (name: string) =>
  `${PATH}/${encodeURIComponent(escapeId(name))}` as `${typeof PATH}/${string}`;

/** The layout of the table in this project, and the saved views. */
export interface IViews {
  answer: IAnswer<IRunViews>;
  layout: ILayout;
  views: readonly IRunView[];
  /** True if the layout is that of the project's file, not one of the user. */
  isOfProject: boolean;
  /** Changes the layout, for the user alone. */
  change: (part: Partial<ILayout>) => void;
  /** Saves the layout in the project. */
  share: () => void;
  /** Deletes the user's layout, so that the project's or the default one is used. */
  reset: () => void;
  save: (name: string, search: ISearch, inProject: boolean) => void;
  rename: (name: string, to: string) => void;
  remove: (name: string) => void;
}

/** Reads the layout and the views, and saves their changes in the order in which they are made. */
export function useViews(client: MLWSClient): IViews {
  const answer = useGet(client, PATH);
  // Of a table whose views cannot be read or are not read yet.
  const [local, setLocal] = useState<ILayout | null>(null);
  const queue = useRef<Promise<unknown>>(Promise.resolve());
  const { data } = answer;
  const layout =
    local ?? (data?.layout as ILayout | undefined) ?? DEFAULT_LAYOUT;
  const newest = useRef(layout);
  newest.current = layout;

  const send = (request: () => Promise<IRunViews>) => {
    const last = queue.current.then(() =>
      notifyOnError(async () => {
        const views = await request();
        if (queue.current === last) {
          client.queries.setQueryData([PATH, {}], views);
          setLocal(null);
        }
      })
    );
    queue.current = last;
  };
  return {
    answer,
    layout,
    views: data?.items ?? [],
    isOfProject: local === null && data?.in_project === true,
    change: part => {
      const next = { ...newest.current, ...part };
      newest.current = next;
      setLocal(next);
      // Before that, the layout that is saved is not known.
      if (data && !answer.error) {
        send(() => client.put('/runs/layout', { layout: next }));
      }
    },
    share: () => {
      const shared = { layout: newest.current, in_project: true };
      send(() => client.put('/runs/layout', shared));
    },
    reset: () => send(() => client.delete('/runs/layout')),
    save: (name, search, inProject) => {
      const view = { layout: newest.current, search, in_project: inProject };
      send(() => client.put(viewPath(name), view));
    },
    rename: (name, to) =>
      send(() => client.patch(viewPath(name), { name: to })),
    remove: name => send(() => client.delete(viewPath(name)))
  };
}
