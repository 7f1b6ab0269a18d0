import type { IChangedFile } from '../api/models';

/** The numbers of added and deleted lines of a file; nothing for binary files and data. */
export function LineCounts({ file }: { file: IChangedFile }): JSX.Element {
  const { additions, deletions } = file;
  return (
    <>
      {additions !== null && (
        <span className="jp-mlws-Added">+{additions}</span>
      )}
      {deletions !== null && (
        <span className="jp-mlws-Removed">−{deletions}</span>
      )}
    </>
  );
}
