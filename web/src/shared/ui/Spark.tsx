/** A line of figures, one for each day: its shape at a glance. `label` says in words what it shows. */
export function Spark({ figures, label }: { figures: readonly number[]; label: string }) {
  const [wide, high] = [96, 24];
  const most = Math.max(...figures, 1);
  const step = figures.length > 1 ? wide / (figures.length - 1) : wide;
  const points = figures.map((figure, at) => `${(at * step).toFixed(1)},${(high - 1.5 - (figure / most) * (high - 3)).toFixed(1)}`);
  return (
    <svg className="spark" role="img" aria-label={label} width={wide} height={high} viewBox={`0 0 ${wide} ${high}`}>
      <polygon points={`0,${high} ${points.join(" ")} ${wide},${high}`} />
      <polyline points={points.join(" ")} fill="none" strokeWidth="1.5" strokeLinejoin="round" />
    </svg>
  );
}
