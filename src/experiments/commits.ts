import { useMemo } from 'react';

import type { MLWSClient } from '../api/client';
import type { IExperimentRun, IPage } from '../api/models';
import { trans } from '../ui/locale';
import { useGet, type IAnswer } from '../ui/server';
import { sortRuns } from './compare';
import { FilterSyntaxError, matches, parseFilter } from './filterText';
import type { ISearch, ISort } from './table';

const NONE: readonly IExperimentRun[] = [];

/** Commits as rows of the table of runs. */
export interface ICommits {
  answer: IAnswer<IPage<IExperimentRun>>;
  /** True if the table shows them instead of runs. */
  isShown: boolean;
  all: readonly IExperimentRun[];
  /** The matches of the search, in the order of the table. */
  runs: readonly IExperimentRun[];
  hint: string;
}

/** Reads the commits at which the metrics of DVC differ; `isRead`: whether they are needed. */
export function useCommits(
  client: MLWSClient,
  search: ISearch,
  sort: ISort | null,
  isRead: boolean
): ICommits {
  const answer = useGet(client, '/runs/commits', {}, { enabled: isRead });
  const all = answer.data?.items ?? NONE;
  const { q, filter } = search;
  const runs = useMemo(() => {
    let conditions;
    try {
      conditions = parseFilter(filter);
    } catch (error) {
      if (!(error instanceof FilterSyntaxError)) {
        throw error;
      }
      // The table of runs says what is wrong.
      conditions = null;
    }
    const chosen = all.filter(
      run =>
        run.title.toLowerCase().includes(q.trim().toLowerCase()) &&
        conditions !== null &&
        matches(run, conditions)
    );
    const match = /^(metrics|params)\.`(.*)`$/.exec(sort?.key ?? '');
    if (!match) {
      return chosen;
    }
    const kind = match[1] === 'metrics' ? 'metric' : 'param';
    const column = { kind, name: match[2], differs: true } as const;
    return sortRuns(chosen, { column, descending: sort!.descending });
  }, [all, q, filter, sort]);
  return {
    answer,
    all,
    isShown: search.state === 'commits' || (isRead && all.length > 0),
    runs,
    hint: trans.__(
      'Tags and the latest commits at which the metrics in dvc.yaml differ. Select some to compare them, also with runs.'
    )
  };
}
