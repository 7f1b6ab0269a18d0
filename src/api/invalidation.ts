import { isOfServer, MLWSClient } from './client';
import type { IWorkspaceChange } from './models';
import { refetch } from './queries';

/**
 * The changes after which a response is stale: areas, and runs.
 *
 * The first prefix of its path counts; an asterisk is any part of a path.
 */
const CAUSES: Record<
  string,
  readonly (IWorkspaceChange['areas'][number] | 'run')[]
> = {
  // No event reports changes of caches and remotes.
  '/datasets/places': [],
  '/datasets': ['changes', 'history'],
  // Notebooks name their kernels, and workflows the environments of nodes.
  '/envs/': ['environments', 'changes'],
  '/envs': ['environments'],
  '/git/conflicts': ['changes', 'history'],
  '/git/diff': ['changes', 'history'],
  '/git/status': ['changes', 'history'],
  '/git': ['history'],
  '/lineage': ['history', 'run'],
  '/models': ['runs', 'run'],
  '/pages': [],
  '/reproductions': ['runs', 'history', 'run'],
  // Its address has the version of the file.
  '/runs/*/preview': [],
  // Those of the project are in a file of the working tree.
  '/runs/views': ['changes', 'history'],
  '/runs': ['runs', 'history', 'run'],
  '/stale-notebooks': ['changes', 'history'],
  '/snapshots/diff': ['changes', 'history'],
  '/snapshots': ['history'],
  '/workflows': ['workflows', 'history']
};

const PREFIXES = Object.entries(CAUSES).map(
  ([prefix, causes]) =>
    [new RegExp(`^${prefix.replace('*', '[^/]+')}`), causes] as const
);

/** Refetches responses when the project changes, or a different project is selected. */
export function followProject(client: MLWSClient): void {
  const refresh = (isCause: (cause: string) => boolean) =>
    void refetch(client.queries, path => {
      const causes = PREFIXES.find(([prefix]) => prefix.test(path))?.[1];
      return causes !== undefined && causes.some(isCause);
    });
  client.stream('/workspace/status').message.connect((_, event) =>
    // After a new connection ("hello"), events may have been missed.
    refresh(
      cause =>
        event.type !== 'workspace' || event.areas.some(area => area === cause)
    )
  );
  client.stream('/workflows/status').message.connect((_, { type }) => {
    if (type === 'run' || type === 'reset') {
      refresh(cause => cause === 'run');
    }
  });
  client.projectChanged.connect(() => {
    void client.queries.resetQueries({
      predicate: ({ queryKey }) => !isOfServer(queryKey[0] as string)
    });
  });
}
