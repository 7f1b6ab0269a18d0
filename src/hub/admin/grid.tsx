import type { ReactNode } from 'react';

import { Hint } from '../../ui/controls';
import { trans } from '../../ui/locale';
import { Head } from '../../ui/table/heading';

/** Section of the page with a table, or a hint in place of a table without rows. */
export function Grid(props: {
  name: string;
  title: string;
  /** The heads of the columns. */
  heads: readonly string[];
  /** The hint; null until the rows were read. */
  empty: string | null;
  /** True until the rows, or an error, were read. */
  isLoading?: boolean;
  /** Errors above the table. */
  notes?: ReactNode;
  /** Reads further rows, if there are any. */
  more?: () => void;
  children: readonly JSX.Element[];
}): JSX.Element {
  const { name, title, heads, empty, notes, more, children } = props;
  const id = `mlws-${name.toLowerCase()}`;
  return (
    <section className={`jp-mlws-${name}`} aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {notes}
      {props.isLoading && <Hint role="status">{trans.__('Loading…')}</Hint>}
      {children.length === 0 ? (
        empty !== null && <Hint>{empty}</Hint>
      ) : (
        <div className="jp-mlws-Grid-frame">
          <table className="jp-mlws-Grid">
            <Head names={heads} />
            <tbody>{children}</tbody>
          </table>
        </div>
      )}
      {more && (
        <button className="jp-mod-styled" onClick={more}>
          {trans.__('Show More')}
        </button>
      )}
    </section>
  );
}
