declare module 'stringprep/lib/tables.js' {
  type Range = readonly [from: number, to: number, replacement: string]
  type Name =
    | `rfc3454-${'A_1' | 'B_1' | 'B_2' | 'B_3' | 'C_1_1' | 'C_1_2' | 'C_2_1' | 'C_2_2'}`
    | `rfc3454-${'C_3' | 'C_4' | 'C_5' | 'C_6' | 'C_7' | 'C_8' | 'C_9' | 'D_1' | 'D_2'}`
  const tables: Readonly<Record<Name, readonly Range[]>>
  export default tables
}
