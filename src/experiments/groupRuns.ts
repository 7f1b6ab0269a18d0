import { useEffect, useState } from 'react';

import type { MLWSClient } from '../api/client';
import type { IExperimentRun, IRunGroup, IRunGroups } from '../api/models';
import { readPages } from '../api/pages';
import { notifyOnError } from '../lab/notify';
import { useGet, type IAnswer } from '../ui/server';
import { toggled } from '../ui/state';
import {
  filterOf,
  formatSort,
  queryOf,
  sortGroups,
  type ISearch,
  type ISort
} from './table';

/** Runs of one group that are shown. */
export const MAX_GROUP_RUNS = 500;

/** A row of the table: a run, maybe within a group, or a group. */
export type TableRow =
  | { kind: 'run'; key: string; run: IExperimentRun; isInGroup: boolean }
  | {
      kind: 'group';
      key: string;
      group: IRunGroup;
      isOpen: boolean;
      /** True if only the first of its runs are below it. */
      isCut: boolean;
    };

export interface IGroupRows {
  answer: IAnswer<IRunGroups>;
  rows: readonly TableRow[];
  toggle: (group: string) => void;
}

/** Reads the groups of runs, and the runs of those that are open. */
export function useGroups(
  client: MLWSClient,
  search: ISearch,
  sort: ISort | null,
  by: string | null
): IGroupRows {
  const answer = useGet(
    client,
    '/runs/groups',
    { ...filterOf(search), by: by ?? 'name' },
    { enabled: by !== null, keepPrevious: true }
  );
  const [open, setOpen] = useState<{
    by: string | null;
    keys: ReadonlySet<string>;
  }>({ by, keys: new Set() });
  const [runs, setRuns] = useState<
    ReadonlyMap<string, readonly IExperimentRun[]>
  >(new Map());
  const keys = open.by === by ? open.keys : EMPTY;
  const { data } = answer;
  const key = JSON.stringify([search, sort, by]);

  // Also whenever the groups are read again: a run may have ended.
  useEffect(() => {
    let isCurrent = true;
    const chosen =
      by === null ? [] : (data?.items.filter(one => keys.has(idOf(one))) ?? []);
    void notifyOnError(async () => {
      const pages = await Promise.all(
        chosen.map(async group => {
          const page = await readPages(
            client,
            '/runs',
            {
              ...queryOf(search, formatSort(sort)),
              group: by!,
              value: group.value ?? undefined
            },
            MAX_GROUP_RUNS
          );
          return [idOf(group), page.items] as const;
        })
      );
      if (isCurrent) {
        setRuns(new Map(pages));
      }
    });
    return () => {
      isCurrent = false;
    };
    // The search, the order and the field are in the key.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [client, key, keys, data]);

  const groups = by === null ? [] : sortGroups(data?.items ?? [], sort);
  return {
    answer,
    rows: groups.flatMap((group): TableRow[] => {
      const id = idOf(group);
      const isOpen = keys.has(id);
      const own = (isOpen && runs.get(id)) || [];
      return [
        {
          kind: 'group',
          key: `group ${id}`,
          group,
          isOpen,
          isCut: isOpen && group.count > MAX_GROUP_RUNS
        },
        ...own.map((run): TableRow => {
          return {
            kind: 'run',
            key: `${id} ${run.id ?? run.run}`,
            run,
            isInGroup: true
          };
        })
      ];
    }),
    toggle: group => setOpen({ by, keys: toggled(keys, group) })
  };
}

const EMPTY: ReadonlySet<string> = new Set();

/** Id of a group; runs without a value differ from those with an empty one. */
export function idOf({ value }: IRunGroup): string {
  return JSON.stringify(value);
}
