import type { Rejected } from '../../src/http/form.ts'
import { maxWorkflowName } from '../../src/workflows/schema.ts'
import type { Html } from '../html.ts'
import { Block, Button, Buttons, Field, Form } from '../ui/index.tsx'

/** Name and path of a workflow, new or to be changed. */
export function WorkflowForm({
  title,
  action,
  button,
  n8n,
  form,
  now,
}: {
  title: string
  action: string
  button: string
  n8n: string | null
  form?: Rejected | undefined
  now?: { name: string; path: string } | undefined
}): Html {
  const value = (name: 'name' | 'path'): string => String(form?.values[name] ?? now?.[name] ?? '')
  const other = form && Object.keys(form.errors).length === 0 ? { '': form.message } : form?.errors
  const address = `${(n8n ?? 'https://your-n8n/').replace(/\/+$/, '')}/webhook/…`
  return (
    <Block title={title}>
      <Form action={action} errors={other}>
        <Field
          name="name"
          label="Name"
          required
          value={value('name')}
          error={form?.errors.name}
          maxlength={maxWorkflowName}
          placeholder="Tell the team chat"
        />
        <Field
          name="path"
          label="Path of the Webhook node"
          required
          value={value('path')}
          error={form?.errors.path}
          hint={
            <>
              What follows /webhook/ in its production URL: <code>{address}</code>
            </>
          }
          placeholder="masthead-published"
          autocomplete="off"
          spellcheck={false}
        />
        <Buttons>
          <Button variant={now ? 'plain' : 'main'}>{button}</Button>
        </Buttons>
      </Form>
    </Block>
  )
}
