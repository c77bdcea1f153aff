"""What a broker asks before it lets somebody do something. It tells names apart and nothing of them."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from central.api.people import Db
from central.edges import standing
from central.marks import public

router = APIRouter(prefix="/edge/v1/broker", tags=["edge"])


class Asked(BaseModel):
    """Who wants to publish or subscribe: the user at the broker, which is the common name of the certificate."""

    username: str = Field(max_length=256)


class Answer(BaseModel):
    """`deny`, or `ignore`: ask the next one, which is the broker's own access list.

    The words are those of EMQX's HTTP authorizer (docs.emqx.com, Access Control, Authorization, Use HTTP Service).
    """

    result: Literal["deny", "ignore"]


@router.post("/access", dependencies=[public("a broker asks, and learns no more than that a name is shut out")])
def access(asked: Asked, db: Db) -> Answer:
    """Whether a broker is to refuse somebody everything, because central has shut them out."""
    with db.read() as session:
        return Answer(result="deny" if standing.shut_out(session, asked.username) else "ignore")
