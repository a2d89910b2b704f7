use cluster::catalog::MailFault;

/// Why something was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DeliveryError {
    /// It may be taken later.
    #[error("{0}")]
    Later(String),
    /// It will never be taken.
    #[error("{0}")]
    Final(String),
    /// Nothing is taken until an operator has mended something.
    #[error("{message}")]
    Fault {
        /// What.
        fault: MailFault,
        /// What the other side or the connection said.
        message: String,
    },
}

impl DeliveryError {
    /// Something that an operator has to mend.
    pub(crate) fn fault(fault: MailFault, message: impl ToString) -> Self {
        Self::Fault { fault, message: message.to_string() }
    }

    /// The same with other words.
    pub(crate) fn said(self, say: impl FnOnce(&str) -> String) -> Self {
        match self {
            Self::Later(message) => Self::Later(say(&message)),
            Self::Final(message) => Self::Final(say(&message)),
            Self::Fault { fault, message } => Self::Fault { fault, message: say(&message) },
        }
    }
}
