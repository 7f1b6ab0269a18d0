/** Fraction of the limit from which a meter warns, if reaching it does harm. */
export const WARNING_SHARE = 0.9;

/** Meter of used, allocated and available resources. */
export function Meter(props: {
  label: string;
  /** Value of the bar as text. */
  text: string;
  used: number;
  limit: number | null;
  /** Allocated amount, drawn behind the usage. */
  promised?: number;
  /** True if reaching the limit does harm, as for memory. */
  warns?: boolean;
}): JSX.Element {
  const { label, text, used, limit, promised, warns } = props;
  const part = (value: number) =>
    limit ? Math.min(Math.max(value / limit, 0), 1) : 0;
  const width = (value: number) => ({ width: `${part(value) * 100}%` });
  return (
    <div className="jp-mlws-Meter">
      <span className="jp-mlws-Meter-label">{label}</span>
      <span
        className="jp-mlws-Meter-bar"
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={limit ?? undefined}
        aria-valuenow={used}
        aria-valuetext={text}
      >
        {promised !== undefined && (
          <span className="jp-mlws-Meter-promised" style={width(promised)} />
        )}
        <span
          className={
            warns && part(used) >= WARNING_SHARE
              ? 'jp-mlws-Meter-used jp-mod-full'
              : 'jp-mlws-Meter-used'
          }
          style={width(used)}
        />
      </span>
      <span className="jp-mlws-Meter-text">{text}</span>
    </div>
  );
}
