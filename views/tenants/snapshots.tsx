import type { Html } from '../html.ts'
import { EmptyState, Row, Rows, Time } from '../ui/index.tsx'
import { inBytes } from './words.ts'
import type { WorkspacePageProps } from './workspace.tsx'

const mostShown = 12

export function Snapshots({ frame, snapshots }: Pick<WorkspacePageProps, 'frame' | 'snapshots'>): Html {
  if (snapshots.length === 0)
    return (
      <EmptyState icon="history" title="No snapshot yet">
        One is made in the night after something has changed.
      </EmptyState>
    )
  return (
    <Rows label="Snapshots">
      {snapshots.slice(0, mostShown).map(({ at, bytes }) => (
        <Row title={<Time at={at} zone={frame.workspace.zone} />} meta={inBytes(bytes)} />
      ))}
    </Rows>
  )
}
