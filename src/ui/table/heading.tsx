import { trans } from '../locale';

/** The heads of the columns of a table. */
export function Head(props: { names: readonly string[] }): JSX.Element {
  return (
    <thead>
      <tr>
        {props.names.map(name => (
          <th key={name} scope="col">
            {name}
          </th>
        ))}
      </tr>
    </thead>
  );
}

/** Headers above several columns each. */
export function GroupHeads(props: {
  groups: readonly (readonly [name: string, columns: number])[];
}): JSX.Element {
  return (
    <tr>
      {props.groups
        .filter(([, columns]) => columns > 0)
        .map(([name, columns], index) => (
          <th key={index} colSpan={columns} scope="colgroup">
            {name}
          </th>
        ))}
    </tr>
  );
}

const ARROWS = { none: '', ascending: ' ▲', descending: ' ▼' };

/** Header cell that sorts by its column. `order`: null if the table is not sorted by it. */
export function SortHead(props: {
  name: string;
  order: { descending: boolean } | null;
  className?: string;
  'data-mlws-column'?: string;
  onSort: () => void;
}): JSX.Element {
  const { name, order, onSort, ...head } = props;
  const state = !order ? 'none' : order.descending ? 'descending' : 'ascending';
  return (
    <th scope="col" aria-sort={state} {...head}>
      <button title={trans.__('Sort by %1', name)} onClick={onSort}>
        {name}
        <span aria-hidden="true">{ARROWS[state]}</span>
      </button>
    </th>
  );
}
