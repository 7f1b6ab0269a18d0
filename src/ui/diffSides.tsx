/** Heading of a comparison: its file or data, if it is of one, and the names of both sides. */
export function DiffSides(props: {
  title?: string;
  names: readonly [string, string];
}): JSX.Element {
  const [from, to] = props.names;
  return (
    <header className="jp-mlws-View-head">
      {props.title && <h2>{props.title}</h2>}
      <span className="jp-mlws-Diff-from">{from}</span>
      <span aria-hidden="true">→</span>
      <span className="jp-mlws-Diff-to">{to}</span>
    </header>
  );
}
