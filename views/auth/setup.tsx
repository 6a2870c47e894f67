import type { Rejected } from '../../src/http/form.ts'
import type { Html } from '../html.ts'
import { PlainLayout } from '../layout.tsx'
import { Button, Buttons, Field, FieldRow, Form, Select } from '../ui/index.tsx'
import { complaints, typed, wrong } from './typed.ts'
import { zoneGroups } from './zones.ts'

const labels = {
  code: 'Code from the terminal',
  name: 'Name of the workspace',
  slug: 'Its address',
  country: 'Country',
  zone: 'Time zone',
  ownerName: 'Your name',
  email: 'Mail address',
  password: 'Password',
}

/** The first workspace and its owner. */
export function SetupPage({
  form,
  rejected,
  origin,
  countries,
  zones,
}: {
  form: Rejected
  rejected: boolean
  /** Where this Masthead is reached, e.g. `http://localhost:3000`. */
  origin: string
  countries: readonly { code: string; name: string }[]
  zones: readonly string[]
}): Html {
  return (
    <PlainLayout wide title="Set up">
      <h1>Open your desk</h1>
      <p>This page works once. The code stands in the terminal where Masthead was started.</p>
      <Form action="/setup" errors={rejected ? complaints(form, labels) : undefined}>
        <Field
          name="code"
          label={labels.code}
          required
          width="medium"
          inputmode="numeric"
          autocomplete="off"
          autofocus={!rejected}
          value={typed(form, 'code')}
          error={wrong(form, 'code')}
        />
        <FieldRow>
          <Field
            name="name"
            label={labels.name}
            required
            maxlength={120}
            autocomplete="organization"
            placeholder="Northwind Coffee"
            value={typed(form, 'name')}
            error={wrong(form, 'name')}
          />
          <Field
            name="slug"
            label={labels.slug}
            autocapitalize="none"
            spellcheck={false}
            maxlength={40}
            hint={`${origin}/w/… Left empty, it is made from the name.`}
            data-slug-of="f-name"
            value={typed(form, 'slug')}
            error={wrong(form, 'slug')}
          />
        </FieldRow>
        <FieldRow>
          <Select
            name="zone"
            label={labels.zone}
            required
            hint="Posts are planned in it."
            groups={zoneGroups(zones)}
            value={typed(form, 'zone', 'UTC')}
            data-own-zone={rejected ? undefined : ''}
            error={wrong(form, 'zone')}
          />
          <Select
            name="country"
            label={labels.country}
            blank="Not said"
            options={countries.map(({ code, name }) => ({ value: code, label: name }))}
            value={typed(form, 'country')}
            error={wrong(form, 'country')}
          />
        </FieldRow>
        <FieldRow>
          <Field
            name="ownerName"
            label={labels.ownerName}
            required
            maxlength={120}
            autocomplete="name"
            value={typed(form, 'ownerName')}
            error={wrong(form, 'ownerName')}
          />
          <Field
            type="email"
            name="email"
            label={labels.email}
            required
            autocomplete="username"
            value={typed(form, 'email')}
            error={wrong(form, 'email')}
          />
        </FieldRow>
        <Field
          type="password"
          name="password"
          label={labels.password}
          required
          width="wide"
          minlength={12}
          autocomplete="new-password"
          hint="Twelve characters or more; four plain words do well."
          error={wrong(form, 'password')}
        />
        <Buttons>
          <Button variant="main" size="large">
            Open the desk
          </Button>
        </Buttons>
      </Form>
    </PlainLayout>
  )
}
