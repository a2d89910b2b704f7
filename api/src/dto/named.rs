//! The catalog's names as they are written in JSON.

use cluster::catalog;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An enum with the same variants, whose JSON is the catalog's text form.
macro_rules! mirrored {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
            #[serde(rename_all = "kebab-case")]
            pub(crate) enum $name {
                $($variant),+
            }

            impl From<catalog::$name> for $name {
                fn from(one: catalog::$name) -> Self {
                    match one {
                        $(catalog::$name::$variant => Self::$variant),+
                    }
                }
            }

            impl From<$name> for catalog::$name {
                fn from(one: $name) -> Self {
                    match one {
                        $($name::$variant => Self::$variant),+
                    }
                }
            }

            #[cfg(test)]
            impl $name {
                const ALL: &[Self] = &[$(Self::$variant),+];
            }
        )+

        #[cfg(test)]
        mod tests {
            use super::*;

            #[test]
            fn names_are_the_catalogs() {
                $(
                    for &one in $name::ALL {
                        let text = serde_json::to_string(&one).unwrap();
                        assert_eq!(text, format!("\"{}\"", catalog::$name::from(one)));
                    }
                )+
            }
        }
    };
}

mirrored! {
    /// What was spoken with the device.
    Protocol {
        Ssh, Telnet, Rdp, Vnc, Kubernetes, Http, Postgresql, Mysql, Sqlserver, Oracle, Mongodb, Redis,
        Terminal,
    }
    /// What a recording's bytes are; fixed when its session is opened. Sessions of databases take db-lines only.
    Format { Guacamole, Asciicast, Typescript, DbLines }
    /// How a session ended.
    End { Finished, Dropped, Interrupted, Failed }
    /// The file format of a video: mp4 and webm have their index in front; fragmented-mp4 plays as far as it is there, while the
    /// rest is still being fetched.
    Container { Mp4, Webm, FragmentedMp4 }
    /// Why a video could not be made.
    FailureKind {
        Limit, Malformed, Truncated, Unsupported, TimeBudget, MemoryBudget, Crashed, Partial, Storage,
    }
}
