// Made from inventory/schema.json by `npm run generate`; do not edit.
export interface SchemaError {
  readonly instancePath: string
  readonly schemaPath: string
  readonly keyword: string
  readonly params: Readonly<Record<string, unknown>>
  readonly propertyName?: string
}

/** The keys that an object may have, by its place: any of the gateways is at "/gateways/*". */
export const keys: Readonly<Record<string, readonly string[]>>

export const validate: { (data: unknown): boolean; errors?: readonly SchemaError[] | null }
