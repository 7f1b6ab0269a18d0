import type { MLWSClient } from '../api/client';
import type { Data, PathOf, QueryOf } from '../api/models';
import { readMore } from '../api/pages';
import { Button } from '../ui/controls';
import { trans } from '../ui/locale';
import { notifyOnError } from './notify';

/** Adds the next page to the `list` of an answer that a view shows; nothing after the last page. */
export function MoreButton<
  P extends PathOf<'get'>,
  K extends keyof Data<'get', P> & string
>(props: {
  client: MLWSClient;
  path: P;
  query: QueryOf<'get', P>;
  list: K;
  label?: string;
}): JSX.Element | null {
  const { client, path, query, list, label } = props;
  const answer = client.queries.getQueryData<{ next_cursor: string | null }>([
    path,
    query
  ]);
  return answer?.next_cursor ? (
    <Button
      onClick={() =>
        void notifyOnError(() => readMore(client, path, query, list))
      }
    >
      {label ?? trans.__('Show More')}
    </Button>
  ) : null;
}
