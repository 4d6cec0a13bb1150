// Copyright the Understudy developers. MIT licence.
#include "UnderstudySubsystem.h"

#include "UnderstudyBotComponent.h"
#include "understudy.h"

DEFINE_LOG_CATEGORY_STATIC(LogUnderstudy, Log, All);

void UUnderstudySubsystem::Add(UUnderstudyBotComponent& Component)
{
	if (!Open())
	{
		return;
	}
	const uint32 Bot = NextBot;
	if (us_spawn(Stream, Bot, static_cast<uint64>(Component.Seed), nullptr) != US_OK)
	{
		UE_LOG(LogUnderstudy, Warning, TEXT("%s"), UTF8_TO_TCHAR(us_last_error()));
		return;
	}
	++NextBot;
	Component.Bot = Bot;
	Bots.Add(Bot, &Component);
}

void UUnderstudySubsystem::Remove(UUnderstudyBotComponent& Component)
{
	if (Bots.Remove(Component.Bot) > 0)
	{
		us_despawn(Stream, Component.Bot);
	}
}

bool UUnderstudySubsystem::Open()
{
	if (Stream || bFailed)
	{
		return Stream != nullptr;
	}
	us_open_options Options = {};
	Options.size = sizeof(Options);
	Options.patience_ms = PatienceMs;
	Options.max_bots = MaxBots;
	Client = us_connect(TCHAR_TO_UTF8(*Address), nullptr);
	Stream = Client ? us_open(Client, TCHAR_TO_UTF8(*Bundle), &Options) : nullptr;
	bFailed = Stream == nullptr;
	if (bFailed)
	{
		UE_LOG(LogUnderstudy, Error, TEXT("%s"), UTF8_TO_TCHAR(us_last_error()));
		return false;
	}
	Observations.SetNumZeroed(MaxBots * us_observation_bytes(Stream));
	return true;
}

void UUnderstudySubsystem::Tick(float Seconds)
{
	Super::Tick(Seconds);
	if (!Stream)
	{
		return;
	}
	const float Period = static_cast<float>(1.0 / us_decision_hz(Stream));
	Waited = FMath::Min(Waited + Seconds, 2 * Period);
	if (bInFlight)
	{
		Take();
	}
	if (!bInFlight && Waited >= Period)
	{
		Waited -= Period;
		Send();
	}
}

void UUnderstudySubsystem::Send()
{
	const us_rays* Rays = us_sensor_rays(Stream, 0);
	const us_field* Sensor = us_sensor(Stream, 0);
	Deciding.Reset();
	for (const TPair<uint32, TWeakObjectPtr<UUnderstudyBotComponent>>& Each : Bots)
	{
		const UUnderstudyBotComponent* Component = Each.Value.Get();
		if (Component && Rays)
		{
			uint8* Row = Observations.GetData() + Deciding.Num() * us_observation_bytes(Stream);
			Component->Sense(*Rays, reinterpret_cast<float*>(Row + Sensor->offset));
			Deciding.Add(Each.Key);
		}
	}
	const us_status Status = us_submit(Stream, Deciding.GetData(), Deciding.Num(), Observations.GetData(), nullptr);
	bInFlight = Status == US_OK;
	if (Status == US_MISTAKE)
	{
		UE_LOG(LogUnderstudy, Error, TEXT("%s"), UTF8_TO_TCHAR(us_last_error()));
	}
}

void UUnderstudySubsystem::Take()
{
	const us_answer* Answer = nullptr;
	const us_status Status = us_poll(Stream, &Answer);
	if (Status == US_WAIT)
	{
		return;
	}
	bInFlight = false;
	if (Status == US_GONE && !bFailed)
	{
		bFailed = true;
		UE_LOG(LogUnderstudy, Error, TEXT("%s"), UTF8_TO_TCHAR(us_last_error()));
	}
	if (Answer)
	{
		HandOut(*Answer);
	}
}

void UUnderstudySubsystem::HandOut(const us_answer& Answer) const
{
	for (uint32 Row = 0; Row < Answer.count; ++Row)
	{
		const TWeakObjectPtr<UUnderstudyBotComponent>* Found = Bots.Find(Answer.bots[Row]);
		UUnderstudyBotComponent* Component = Found ? Found->Get() : nullptr;
		if (!Component)
		{
			continue;
		}
		FUnderstudyAction Action;
		Action.bLate = Answer.late != US_LATE_NO;
		for (uint32 Part = 0; Part < us_num_actions(Stream); ++Part)
		{
			const us_field& Field = *us_action(Stream, Part);
			Action.First.Add(Field.name, FirstNumber(Field, Answer.actions + Row * us_action_bytes(Stream)));
		}
		Component->OnDecided.Broadcast(Action);
	}
}

float UUnderstudySubsystem::FirstNumber(const us_field& Field, const uint8* Row) const
{
	switch (Field.kind)
	{
	case US_DISCRETE:
		return static_cast<float>(*reinterpret_cast<const int64*>(Row + Field.offset));
	case US_MULTI_BINARY:
		return static_cast<float>(Row[Field.offset]);
	default:
		return *reinterpret_cast<const float*>(Row + Field.offset);
	}
}

TStatId UUnderstudySubsystem::GetStatId() const
{
	RETURN_QUICK_DECLARE_CYCLE_STAT(UUnderstudySubsystem, STATGROUP_Tickables);
}

void UUnderstudySubsystem::Deinitialize()
{
	us_close(Stream);
	us_disconnect(Client);
	Stream = nullptr;
	Client = nullptr;
	Super::Deinitialize();
}
