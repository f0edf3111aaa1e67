//! Arrays as parameters of a statement, each element written in one piece. The client library writes the same bytes for a
//! vector, with several calls for each of the four hundred values of a sale.

use bytes::BytesMut;
use std::{error::Error, fmt};
use tokio_postgres::types::{IsNull, Kind, ToSql, Type, to_sql_checked};
use uuid::Uuid;

type Fault = Box<dyn Error + Sync + Send>;

/// An array of one dimension.
#[derive(Debug)]
pub(super) struct Array<T>(pub(super) Vec<T>);

/// What an array is made of.
pub(super) trait Element: ToSql + fmt::Debug {
    /// About how many bytes one takes.
    const BYTES: usize;

    /// Whether it is null.
    fn is_null(&self) -> bool {
        false
    }

    /// Writes its length and its bytes.
    fn write(&self, out: &mut BytesMut) -> Result<(), Fault>;
}

impl<T: Element> ToSql for Array<T> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        let Kind::Array(member) = ty.kind() else {
            return Err("an array was handed in for something else".into());
        };
        let length = i32::try_from(self.0.len())?;
        out.reserve(20_usize.saturating_add(self.0.len().saturating_mul(T::BYTES)));
        // Dimensions, whether there are nulls, type of the elements; of the dimension its length and first index.
        out.extend_from_slice(&1_i32.to_be_bytes());
        out.extend_from_slice(&i32::from(self.0.iter().any(T::is_null)).to_be_bytes());
        out.extend_from_slice(&member.oid().to_be_bytes());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&1_i32.to_be_bytes());
        for element in &self.0 {
            element.write(out)?;
        }
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        <Vec<T> as ToSql>::accepts(ty)
    }

    to_sql_checked!();
}

impl Element for bool {
    const BYTES: usize = 5;

    fn write(&self, out: &mut BytesMut) -> Result<(), Fault> {
        out.extend_from_slice(&[0, 0, 0, 1, u8::from(*self)]);
        Ok(())
    }
}

impl Element for i16 {
    const BYTES: usize = 6;

    fn write(&self, out: &mut BytesMut) -> Result<(), Fault> {
        let [a, b] = self.to_be_bytes();
        out.extend_from_slice(&[0, 0, 0, 2, a, b]);
        Ok(())
    }
}

impl Element for i32 {
    const BYTES: usize = 8;

    fn write(&self, out: &mut BytesMut) -> Result<(), Fault> {
        let [a, b, c, d] = self.to_be_bytes();
        out.extend_from_slice(&[0, 0, 0, 4, a, b, c, d]);
        Ok(())
    }
}

impl Element for i64 {
    const BYTES: usize = 12;

    #[expect(clippy::many_single_char_names, reason = "the bytes of a number, in their order")]
    fn write(&self, out: &mut BytesMut) -> Result<(), Fault> {
        let [a, b, c, d, e, f, g, h] = self.to_be_bytes();
        out.extend_from_slice(&[0, 0, 0, 8, a, b, c, d, e, f, g, h]);
        Ok(())
    }
}

impl Element for Uuid {
    const BYTES: usize = 20;

    fn write(&self, out: &mut BytesMut) -> Result<(), Fault> {
        out.extend_from_slice(&[0, 0, 0, 16]);
        out.extend_from_slice(self.as_bytes());
        Ok(())
    }
}

impl Element for &[u8] {
    const BYTES: usize = 64;

    fn write(&self, out: &mut BytesMut) -> Result<(), Fault> {
        out.extend_from_slice(&i32::try_from(self.len())?.to_be_bytes());
        out.extend_from_slice(self);
        Ok(())
    }
}

impl Element for &str {
    const BYTES: usize = 64;

    fn write(&self, out: &mut BytesMut) -> Result<(), Fault> {
        self.as_bytes().write(out)
    }
}

impl<T: Element> Element for Option<T> {
    const BYTES: usize = T::BYTES;

    fn is_null(&self) -> bool {
        self.is_none()
    }

    fn write(&self, out: &mut BytesMut) -> Result<(), Fault> {
        if let Some(element) = self {
            return element.write(out);
        }
        out.extend_from_slice(&(-1_i32).to_be_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is written for an array, and for a vector by the library.
    fn both<T: Element>(values: Vec<T>, ty: &Type) -> (BytesMut, BytesMut) {
        let (mut ours, mut theirs) = (BytesMut::new(), BytesMut::new());
        values.to_sql_checked(ty, &mut theirs).unwrap();
        Array(values).to_sql_checked(ty, &mut ours).unwrap();
        (ours, theirs)
    }

    proptest! {
        #[test]
        fn an_array_is_written_as_the_library_writes_a_vector(
            numbers in prop::collection::vec(any::<(i16, i32, i64, bool)>(), 0..20),
            texts in prop::collection::vec(prop::option::of(".{0,9}"), 0..20),
        ) {
            let (ours, theirs) = both(numbers.iter().map(|it| it.0).collect(), &Type::INT2_ARRAY);
            prop_assert_eq!(ours, theirs);
            let (ours, theirs) = both(numbers.iter().map(|it| it.1).collect(), &Type::INT4_ARRAY);
            prop_assert_eq!(ours, theirs);
            let (ours, theirs) = both(numbers.iter().map(|it| it.2).collect(), &Type::INT8_ARRAY);
            prop_assert_eq!(ours, theirs);
            let (ours, theirs) = both(numbers.iter().map(|it| it.3.then_some(it.2)).collect(), &Type::INT8_ARRAY);
            prop_assert_eq!(ours, theirs);
            let (ours, theirs) = both(numbers.iter().map(|it| it.3).collect(), &Type::BOOL_ARRAY);
            prop_assert_eq!(ours, theirs);
            let uuids = numbers.iter().map(|it| Uuid::from_u64_pair(it.2.unsigned_abs(), 7)).collect();
            let (ours, theirs) = both(uuids, &Type::UUID_ARRAY);
            prop_assert_eq!(ours, theirs);
            let (ours, theirs) = both(texts.iter().map(Option::as_deref).collect(), &Type::TEXT_ARRAY);
            prop_assert_eq!(ours, theirs);
            let bytes = texts.iter().flatten().map(String::as_bytes).collect();
            let (ours, theirs) = both(bytes, &Type::BYTEA_ARRAY);
            prop_assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn an_array_is_not_taken_for_what_is_none() {
        assert!(Array(vec![1_i64]).to_sql_checked(&Type::INT8, &mut BytesMut::new()).is_err());
        assert!(Array(vec![1_i64]).to_sql_checked(&Type::TEXT_ARRAY, &mut BytesMut::new()).is_err());
    }
}
