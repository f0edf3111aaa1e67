//! Tests of the signature; the vectors were made by running published client libraries.

mod vectors;
