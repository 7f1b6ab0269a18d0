/** Heading of a comparison: its file or data, if it is of one, and the names of its sides. */
export function DiffSides(props: {
  title?: string;
  names: readonly string[];
}): JSX.Element {
  const [to, from] = [...props.names].reverse();
  return (
    <header className="jp-mlws-View-head">
      {props.title && <h2>{props.title}</h2>}
      {from !== undefined && (
        <>
          <span className="jp-mlws-Diff-from">{from}</span>
          <span aria-hidden="true">→</span>
        </>
      )}
      <span className="jp-mlws-Diff-to">{to}</span>
    </header>
  );
}
